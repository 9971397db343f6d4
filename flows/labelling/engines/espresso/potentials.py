"""What the head of a UPF file says of a pseudopotential, in both versions of the format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

# as Quantum ESPRESSO calls their parts: exchange, correlation, and the gradients of both
_FUNCTIONALS = {
    "sla pz nogx nogc": "lda",
    "pz": "lda",
    "lda": "lda",
    "sla pw pbx pbc": "pbe",
    "sla pw pbe pbe": "pbe",
    "sla pw psx psc": "pbesol",
    "sla lyp b88 blyp": "blyp",
    "b88 lyp": "blyp",
    "sla pw tpss tpss": "tpss",
}
_MOST_LINES = 20_000  # before the head: of a PAW some thousand of how it was made
_HEAD = re.compile(r"<PP_HEADER(.*?)(?:/>|</PP_HEADER>)", re.DOTALL)


@dataclass(frozen=True)
class PseudoHeader:
    """The element, the functional by its usual name (lower case), electrons outside, and whether 4 `ecutwfc` is enough."""

    element: str
    functional: str
    valence: float
    norm_conserving: bool


def read_header(path: Path) -> PseudoHeader:
    """Raises: ValueError: it is no UPF file; OSError: it cannot be read."""
    with path.open(encoding="utf-8", errors="replace") as file:
        found = _HEAD.search("".join(islice(file, _MOST_LINES)))
    if found is None:
        raise ValueError(f"{path.name} is no UPF file: it has no PP_HEADER")
    head = found[1]
    try:
        return _of_attributes(head) if "=" in head.split(">")[0] else _of_lines(head.partition(">")[2])
    except (KeyError, ValueError, IndexError) as error:
        raise ValueError(f"the PP_HEADER of {path.name} cannot be understood ({error})") from error


def _of_attributes(head: str) -> PseudoHeader:
    """Version 2: `element="C "`."""
    said = {name: value.strip() for name, value in re.findall(r'(\w+)\s*=\s*"([^"]*)"', head)}
    kind = said["pseudo_type"]
    return PseudoHeader(said["element"], _usual(said["functional"]), _number(said["z_valence"]), kind in ("NC", "SL"))


def _of_lines(text: str) -> PseudoHeader:
    """Version 1: a value and what it is in each line, in a fixed order."""
    lines = [line.split() for line in text.strip().splitlines()]
    functional = " ".join(lines[4]).lower().partition(" exchange-corr")[0].split()
    return PseudoHeader(lines[1][0], _usual(" ".join(functional[:4])), _number(lines[5][0]), lines[2][0] == "NC")


def _usual(name: str) -> str:
    name = " ".join(name.lower().split())
    return _FUNCTIONALS.get(name, name)


def _number(text: str) -> float:
    return float(text.lower().replace("d", "e"))
