"""Colours, hatches and type of all figures.

Colours keep the families of the paper (DFT_EF green, DFT_E cyan, HF and MP2 gold, CCSD red, CCSD(T) brown, the
reference blue); they differ in lightness too, and areas that share a panel differ in their edges, so that nothing
depends on colour alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from flows.training.names import ModelName

STYLE: Any = {  # matplotlib types its keys one by one
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.7,
    "axes.unicode_minus": True,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.direction": "out",
    "ytick.direction": "in",
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 2.0,
    "lines.linewidth": 1.0,
    "hatch.linewidth": 0.6,
    "pdf.fonttype": 42,
    "mathtext.fontset": "dejavusans",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}

REFERENCE = "#0b3c9c"
INK = "#1a1a1a"
SOFT = "#5c5c63"
GUIDE = "#b4b4b4"
MISSING = "#b5179e"  # q-points that the training cell does not hold
PALE = 0.6  # a line of what has not learned
HATCH = "////"
CM1_PER_THZ = 33.356409519815204


@dataclass(frozen=True)
class Look:
    """How a model is drawn: `fill` of its area, `edge` and its `dash`."""

    fill: str
    edge: str
    dash: str = "-"
    alpha: float = 0.55


_SUMS = {
    "hf": Look("#e6b800", "#8f7200"),
    "mp2": Look("#f2c230", "#a67c00"),
    "ccsd": Look("#e8483b", "#a3130a", "--"),
    "ccsd(t)": Look("#8c5a2b", "#4d2c0f", ":", 0.6),
}
_KINDS = {"ef": Look("#3f9b45", "#1d6626"), "e": Look("#35c3d6", "#0b7a8a")}
_USUAL = {
    "rpa": Look("#9467bd", "#5b3a80"),
    "hse06": Look("#d77fb4", "#8a2f66", "--"),
    "pbe0": Look("#b07aa1", "#6a3d5c", ":"),
    "r2scan": Look("#4c72b0", "#223a66", ":"),
    "dft-d3": Look("#7fb069", "#3f6b2a", "--"),
    "dft_gamma": Look("#7f7f7f", "#404040", "--"),
    "mp3": Look("#f5b78a", "#a85a1c", "--"),
}
_OTHERS = tuple(
    Look(fill, edge, dash)
    for dash in ("-", "--", ":")
    for fill, edge in (("#9467bd", "#5b3a80"), ("#4c72b0", "#223a66"), ("#7f7f7f", "#404040"), ("#c49c94", "#6e4b42"), ("#6fb7a8", "#2c6b5e"))
)
# Okabe and Ito's, for readers of any colour vision
SEED_COLOURS = ("#d55e00", "#e69f00", "#009e73", "#0072b2", "#cc79a7", "#56b4e9", "#7a5195")
SEED_DASHES: tuple[Any, ...] = ("-", (0, (6, 1)), (0, (4, 1, 1, 1)), (0, (2, 1)), (0, (1, 0.8)))


def look(model: str) -> Look:
    """The look of a model: that of its level, those of energies and forces dash-dotted where they are no DFT."""
    name = ModelName.parse(model)
    if name.kind in _KINDS:
        return _KINDS[name.kind] if name.level == "dft" else replace(_of(name.level), dash="-." if name.kind == "ef" else ":")
    return _of(name.level)


def _of(level: str) -> Look:
    """Levels without a look of their own have one of fifteen, always the same."""
    known = _SUMS.get(level) or _USUAL.get(level)
    return known or _OTHERS[int(sha256(level.encode()).hexdigest(), 16) % len(_OTHERS)]


def look_of_level(level: str) -> Look:
    """As the models that stand for it: dft as ML(DFT_EF), others as their sums."""
    return _KINDS["ef"] if level == "dft" else _of(level)


def ink(text: str) -> str:
    """Titles with their indices set as such: ML(DFT_EF), cm^-1."""
    text = re.sub(r"_(EF|E|Γ)(?![A-Za-z0-9])", lambda found: f"$_{{\\mathrm{{{','.join(found[1])}}}}}$", text)
    return text.replace("cm^-1", "cm$^{-1}$")
