"""Frames of extended XYZ: every one is cut out of the text first, and then read on its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flows.labelling.extxyz import FrameText, read_columns, read_symbols, split_frames
from flows.labelling.header import FrameError, Header, number, read_header
from flows.labelling.published.frame import Frame, check_composition, refuse_flat, refuse_open
from flows.labelling.published.packing import plain_text
from flows.labelling.quantities import energy_of, forces_of, free_energy_off
from flows.labelling.settings import Expectations, PublishedFile
from flows.strain import size, strain


def read(content: bytes, file: PublishedFile, expectations: Expectations) -> Iterator[Frame | FrameError]:
    """The frames of an unpacked file in their order, or why one cannot be used."""
    for text in split_frames(plain_text(content) or ""):
        try:
            yield _frame(text, file, expectations)
        except FrameError as error:
            yield error


def _frame(text: FrameText, file: PublishedFile, expectations: Expectations) -> Frame:
    header = read_header(text.comment)
    columns, words = read_columns(text, header)
    symbols = read_symbols(columns, words)
    check_composition(symbols, expectations.composition)
    cell = _cell(header)
    energy_eV = energy_of(header, file)
    return Frame(
        file=file.name,
        index=text.index,
        level=file.level,
        symbols=symbols,
        cell=cell,
        cell_off=0.0 if expectations.cell is None else size(strain(expectations.cell, cell)),
        positions=columns.numbers("pos", words),
        energy_eV=energy_eV,
        forces=forces_of(columns, words, file) if file.forces else None,
        energy_key=file.energy_key or "energy",
        beside={"free_energy": free_energy_off(header, energy_eV, file)},
    )


def _cell(header: Header) -> np.ndarray:
    lattice = header.structural("Lattice")
    if lattice is None:
        raise FrameError("it is not periodic: it has no Lattice=")
    pbc = header.structural("pbc")
    periodic = _words("T T T" if pbc is None else pbc)
    refuse_open([word.lower() in ("t", "true", "1") for word in periodic], str(pbc))
    try:
        cell = np.array([number(word) for word in _words(lattice)]).reshape(3, 3)
    except ValueError:
        raise FrameError(f"unreadable Lattice={lattice}") from None
    refuse_flat(cell, f"Lattice={lattice}")
    return cell


def _words(array: str) -> list[str]:
    return array.replace(",", " ").split()
