"""A campaign as its user reads it: records, data frames, files and potentials."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from campaign.planning.work import Coordinates, Work
from campaign.results.files import calculator, write_model, write_phonopy
from campaign.results.outcomes import Outcomes
from campaign.results.tables import find_table

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator
    from pandas import DataFrame


class Campaign(Outcomes):
    """The outcomes of a campaign, and what can be made of them."""

    def __repr__(self) -> str:
        """One line: the resolved spec holds every atom of every cell."""
        return f"<campaign {self.name}: {', '.join(self.spec.systems)}; {', '.join(self.spec.models)}>"

    def table(self, name: str) -> DataFrame:
        """The table `name` as a data frame; units are in the names of its columns.

        Raises:
            UnknownTable: there is none of that name; the message names the nearest.
        """
        return find_table(name).frame(self)

    def model_file(self, model: Work | str, directory: Path | str) -> Path:
        """Write the `.model` file of a training (or of its key) into `directory`, sha256 verified.

        Raises:
            UnknownResult: it is no training of this campaign, or not done yet.
            ValueError: the stored bytes are damaged.
        """
        return write_model(self, model, Path(directory))

    def phonopy_file(self, phonons: Work | str, directory: Path | str) -> Path:
        """Write the phonopy YAML of phonons (or of their key), force constants included, into `directory`.

        Raises:
            UnknownResult: these are no phonons of this campaign, or not done yet.
            ValueError: the stored bytes are damaged.
        """
        return write_phonopy(self, phonons, Path(directory))

    def potential(
        self, system: str, model: str, seed: int, size: str = "full", device: str = "cpu"
    ) -> Calculator:
        """A trained model as an ASE calculator (float64); `delta_<level>` is base + difference.

        Warns where a model has not learned.

        Raises:
            UnknownResult: the campaign asks for no such model, or it is not done yet.
        """
        return calculator(self, Coordinates(system, model, seed, size), device)
