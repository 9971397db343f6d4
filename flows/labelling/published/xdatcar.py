"""Configurations of an XDATCAR of VASP with the energies of the OSZICAR of the same run; neither has forces.

The first configuration is the structure of the first step. Where NBLOCK is not 1 there are fewer configurations than steps,
and their numbers tell to which they belong, or nothing does. The readers of ASE and pymatgen end at the first damaged
configuration; the tests hold this one against both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from flows.labelling.header import FrameError
from flows.labelling.published.beside import Beside, Companion
from flows.labelling.published.moving_cells import of_one_basis
from flows.labelling.published.oszicar import Energies, energies, most_cycles
from flows.labelling.published.step import Step

_OSZICAR = Companion("oszicar", ("OSZICAR",), instead_of="XDATCAR")
_INCAR = Companion("incar", ("INCAR",), instead_of="XDATCAR")
COMPANIONS = (_OSZICAR, _INCAR)

_TITLE = re.compile(r"^\s*Direct configuration=\s*(\d+)?")
_HEAD = 7  # lines: comment, scale, three vectors, elements, counts
_INSTEAD = "give the vasprun.xml or the OUTCAR of the run instead"


@dataclass(frozen=True)
class _Head:
    symbols: tuple[str, ...]
    cell: np.ndarray


def is_xdatcar(content: bytes) -> bool:
    return re.search(rb"^\s*Direct configuration=", content[:100_000], re.MULTILINE) is not None


def steps(content: bytes, beside: Beside) -> Iterator[Step | FrameError]:
    """Every configuration of unpacked content with its energy, or why it is none."""
    lines = _text(content).split("\n")
    titles = [(at, match[1]) for at, line in enumerate(lines) if (match := _TITLE.match(line))]
    yield from of_one_basis(_steps(lines, titles, beside), _first_cell(lines, titles[0][0]))


def _steps(lines: Sequence[str], titles: Sequence[tuple[int, str | None]], beside: Beside) -> Iterator[Step | FrameError]:
    if _OSZICAR.role not in beside:
        yield FrameError(f"an XDATCAR has no energies, and no OSZICAR of the same run lies beside it: put it there, or {_INSTEAD}")
        return
    found = list(energies(_text(beside[_OSZICAR.role])))
    most = most_cycles(found, _text(beside.get(_INCAR.role, b"")))
    try:
        paired = _paired(_counted([number for _, number in titles]), found)
    except FrameError as error:
        yield error
        return
    head: _Head | None = None
    for (title, _), stop, energy in zip(titles, [*(at for at, _ in titles[1:]), len(lines)], paired, strict=True):
        try:
            head = head if head is not None and not _has_head(lines, title) else _head(lines, title)
            yield _step(lines[title + 1 : stop], head, energy, most)
        except FrameError as error:
            yield error


def _text(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")


def _counted(said: Sequence[str | None]) -> list[int]:
    """The numbers of configurations; one that has none is one more than the last."""
    numbers: list[int] = []
    for one in said:
        numbers.append(int(one) if one is not None else (numbers[-1] if numbers else 0) + 1)
    return numbers


def _paired(numbers: list[int], steps: list[Energies]) -> list[Energies | None]:
    """For each configuration its step; None: OSZICAR ends before.

    Raises:
        FrameError: it cannot be told.
    """
    if numbers == [one.number for one in steps]:
        return list(steps)
    by_number = {one.number: one for one in steps}
    every = numbers[0]
    evenly = numbers == [every * (place + 1) for place in range(len(numbers))] and len(by_number) == len(steps)
    # counted by one with NBLOCK = 2 or more there were half as many, or fewer
    if evenly and (every > 1 or 2 * len(numbers) > len(steps)):
        return [by_number.get(number) for number in numbers]
    raise FrameError(
        f"XDATCAR has {len(numbers)} configurations and OSZICAR the energies of {len(steps)} steps, and their numbers do not tell "
        f"which belong together (NBLOCK, or a run that was continued?): {_INSTEAD}"
    )


def _has_head(lines: Sequence[str], title: int) -> bool:
    """Whether elements stand before a title: where the cell moves, before each; else before the first alone."""
    return title >= _HEAD and lines[title - 2].strip()[:1].isalpha()


def _first_cell(lines: Sequence[str], title: int) -> np.ndarray | None:
    try:
        return _head(lines, title).cell
    except FrameError:
        return None


def _head(lines: Sequence[str], title: int) -> _Head:
    """What stands before a title."""
    rows = lines[max(0, title - _HEAD + 1) : title]  # without the comment
    try:
        (factor,), *vectors = [np.array(row.split(), dtype=float) for row in rows[:4]]  # its size, or less its volume
        cell = np.array(vectors).reshape(3, 3)
        names, counts = [re.split("[_/]", word)[0] for word in rows[4].split()], [int(word) for word in rows[5].split()]
        symbols = tuple(name for name, count in zip(names, counts, strict=True) for _ in range(count))
    except (ValueError, IndexError) as error:
        raise FrameError(f"the head of the XDATCAR is unreadable (it needs the elements, as VASP 5 and later write it): {error}") from None
    volume = abs(float(np.linalg.det(cell)))
    return _Head(symbols, cell * (factor if factor > 0 else (-factor / volume) ** (1 / 3) if volume else 1.0))


def _step(lines: Sequence[str], head: _Head, energy: Energies | None, most: int) -> Step:
    rows = [line.split() for line in lines[: len(head.symbols)]]
    try:
        fractional = np.array(rows, dtype=float).reshape(len(head.symbols), 3)
    except ValueError:
        raise FrameError(f"it has no {len(head.symbols)} readable positions: the XDATCAR ends there, or is damaged") from None
    if energy is None:
        raise FrameError("OSZICAR has no energy of its step: it ends before")
    if energy.cycles == 0:
        raise FrameError("it has no electronic step: its energy is not of electrons (of a machine-learned force field?)")
    if energy.cycles >= most:
        raise FrameError(f"its electrons did not converge: all {most} cycles (NELM) are used up")
    return Step(symbols=head.symbols, cell=head.cell, positions=fractional @ head.cell, energies=energy.in_eV(), forces={})
