"""The sections of the page in their order; topics name the one in which they stand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A section of the page: its anchor, its heading, its name in the list of sections.

    `intro` stands at its beginning; `empty` is said where it has no figure.
    """

    name: str
    heading: str
    link: str = ""
    intro: str = ""
    empty: str = ""

    @property
    def short(self) -> str:
        """What a link to it says."""
        return self.link or self.heading


OVERVIEW = Section("overview", "All systems")
CHECK = Section(
    "check",
    "Check against the engine’s own frozen phonon",
    link="Check at Γ",
    intro="How well does a model stand for its level? Here it is held against the optical frequency at Γ that the "
    "engine itself has, from energies of atoms displaced along this mode. No model was trained on these structures.",
)
FIGURES = Section("figures", "Figures", empty="Nothing can be drawn yet.")
PHONONS = Section("phonons", "Phonons at named points", link="Phonons")
THERMAL = Section(
    "thermal",
    "Thermal properties",
    intro="Heat capacity, entropy and Helmholtz free energy of the harmonic crystal at constant volume, by the sum over all modes "
    "of the mesh of the density of states, from the force constants of each model.",
    empty="Nothing can be drawn yet.",
)
DYNAMICS = Section("dynamics", "Long MD")
TRAINING = Section("training", "Training")
LABELS = Section("labels", "Labels")
MISSING = Section("missing", "What is missing")

SECTIONS = (OVERVIEW, CHECK, FIGURES, PHONONS, THERMAL, DYNAMICS, TRAINING, LABELS, MISSING)
