"""Labels -> frames of extended XYZ that read back to the last digit, and say where each number comes from.

Energies and forces are called `REF_energy` and `REF_forces`, as MACE and others expect of what they are to learn: ASE
takes `energy` and `forces` for results of a calculator, and leaves these alone. ASE's own writer gives eight digits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from flows.records import Label

ENERGY_KEY, FORCES_KEY = "REF_energy", "REF_forces"


def frames_text(labels: Iterable[Label], about: Mapping[str, Mapping[str, str]], *, forces: bool) -> str:
    """The labels of one level, one frame after another; `about` has more words for the header, by label key.

    `forces`: they are the level's own, and every label has them.
    """
    return "".join(f"{line}\n" for label in labels for line in _frame(label, about.get(label.key, {}), forces=forces))


def _frame(label: Label, about: Mapping[str, str], *, forces: bool) -> Iterator[str]:
    structure = label.structure
    rows = [(symbol, *map(repr, at)) for symbol, at in zip(structure.symbols, structure.positions, strict=True)]
    columns = "species:S:1:pos:R:3"
    if forces:
        assert label.forces_eV_A is not None
        columns += f":{FORCES_KEY}:R:3"
        rows = [(*row, *map(repr, force)) for row, force in zip(rows, label.forces_eV_A, strict=True)]
    yield str(len(structure.symbols))
    lattice = " ".join(repr(x) for vector in structure.cell for x in vector)
    facts = " ".join(f"{name}={_quoted(text)}" for name, text in (*_provenance(label), *about.items()) if text)
    yield f'Lattice="{lattice}" Properties={columns} pbc="T T T" {ENERGY_KEY}={label.energy_eV!r} {facts}'
    yield from (" ".join(row) for row in rows)


def _provenance(label: Label) -> Iterator[tuple[str, str]]:
    yield "label_key", label.key
    yield "structure_key", label.structure_key
    yield "level", label.level
    yield "engine", label.engine
    yield "engine_version", label.engine_version or ""
    yield "settings_digest", label.settings_digest or ""
    yield "source", label.source or ""


def _quoted(text: str) -> str:
    """In double quotes, where a backslash takes the next character as it is: also line breaks end no header."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)
