"""A campaign as its user reads it: records, data frames, files and potentials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from campaign.planning.work import Coordinates, Work
from campaign.results.files import calculator, write_model, write_phonopy
from campaign.results.outcomes import Outcomes
from campaign.results.selection import Selection
from campaign.results.tables import TABLES, find_table
from campaign.results.thermal import TEMPERATURES_K, ThermalResult, refuse_quasi_harmonic, thermal_results

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator
    from pandas import DataFrame


class Campaign(Outcomes):
    """The outcomes of a campaign, and what can be made of them."""

    def __repr__(self) -> str:
        """One line: the resolved spec holds every atom of every cell."""
        return f"<campaign {self.name}: {', '.join(self.spec.systems)}; {', '.join(self.spec.models)}>"

    def table(self, name: str, **where: Any) -> DataFrame:
        """The table `name` as a data frame; units are in the names of its columns.

        `where` may name a system, point, model or seed (`system="diamond", point="Γ"`): only such rows. Of a system alone
        nothing else is read.

        Raises:
            UnknownTable: there is none of that name, or it has no such column; the message names others.
            UnknownResult: the campaign has no such system, point, model or seed.
        """
        table, selection = find_table(name), Selection(**where)
        selection.check(table, TABLES.values())
        return selection.of(table.frame(self.narrowed(selection)), [self])

    def narrowed(self, selection: Selection) -> Campaign:
        """The campaign with the system alone that is asked for; itself where that is all, or where it has no such system."""
        system, systems = selection.system, self.spec.systems
        if system not in systems or len(systems) == 1:
            return self
        return Campaign(self.farm, self.spec.model_copy(update={"systems": {system: systems[system]}}), only=system)

    def thermal(self, temperatures_K: Sequence[float] = TEMPERATURES_K, *, quasi_harmonic: bool = False) -> list[ThermalResult]:
        """Thermal properties by all phonons that are there, per mol of primitive cells: harmonic, at constant volume.

        Raises:
            UnknownResult: `quasi_harmonic`: labels have one volume, and nothing is known of others.
        """
        if quasi_harmonic:
            refuse_quasi_harmonic(self, next(iter(self.spec.systems)))
        return list(thermal_results(self, temperatures_K))

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
