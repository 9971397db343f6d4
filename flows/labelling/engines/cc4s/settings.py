"""VASP + Cc4s: every level of one structure from one chain of runs, which goes on where it was killed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from flows.checkpoints import directory_of
from flows.failure import CalculationFailed
from flows.labelling.computed import computed_label_key
from flows.labelling.engines.cc4s import fitness
from flows.labelling.engines.cc4s.chain import Chain
from flows.labelling.engines.cc4s.inputs import written_inputs
from flows.labelling.engines.cc4s.method import GAMMA, LEVELS, Cc4sMethod
from flows.labelling.engines.moving import Stretch
from flows.labelling.engines.protocol import STAGE, Computed
from flows.records import Failure, Structure

if TYPE_CHECKING:
    from ase import Atoms

_failed = partial(CalculationFailed.of, STAGE)


class Cc4sSettings(Cc4sMethod):
    """Hartree-Fock by VASP; MP2, CCSD and CCSD(T) by Cc4s on what VASP hands it."""

    kind: Literal["cc4s"] = "cc4s"

    def text(self, level: str) -> str:
        """`VASP, Hartree-Fock on 3 × 3 × 3 k-points, 400 eV; Cc4s at Γ, 10 natural orbitals per occupied one, corrected for basis set and finite size`."""
        mesh = "at Γ" if self.hf_kpoints == GAMMA else f"on {' × '.join(map(str, self.hf_kpoints))} k-points"
        hf = f"VASP, Hartree-Fock {mesh}, {self.encut_eV:g} eV"
        return hf if level == "hf" else f"{hf}; Cc4s at Γ, {self.orbitals_per_occupied} natural orbitals per occupied one, {self._corrections(level)}"

    def levels(self) -> dict[str, bool]:
        return dict(LEVELS)

    def compute(self, atoms: Atoms, wanted: Mapping[str, bool]) -> Iterator[tuple[str, Computed | Failure]]:
        for level in wanted:
            if level not in LEVELS or wanted[level]:
                asked = f"forces of {level}" if level in LEVELS else f"level {level!r}"
                yield level, _failed("bad-input", f"VASP + Cc4s has no {asked}", f"it has {', '.join(LEVELS)}, without forces", level=level).failure
        known = {level: False for level in wanted if level in LEVELS and not wanted[level]}
        if not known:
            return
        try:
            chain = self._chain(atoms, max(known, key=list(LEVELS).index))
        except CalculationFailed as error:
            yield from ((level, error.failure.model_copy(update={"level": level})) for level in known)
        else:
            yield from chain.results(known)

    def troubles(self, atoms: Atoms, levels: Mapping[str, bool]) -> tuple[tuple[str, str], ...]:
        return fitness.troubles(self, atoms, levels)

    def lacking(self, levels: Collection[str] = ()) -> tuple[tuple[str, str], ...]:  # noqa: ARG002
        return tuple(fitness.lacking(self))

    def versions(self) -> dict[str, str]:
        """Only their outputs say them: those of each label are in its record."""
        return {}

    def identity_of(self, level: str, forces: bool) -> dict[str, Any]:
        """Of potentials what they hold; of settings what decides the numbers of `level`."""
        found: dict[str, Any] = {
            "kind": self.kind,
            "level": level,
            "forces": forces,
            "potentials": self.identities(),
            "functional": self.functional,
            **{name: getattr(self, name) for name in ("encut_eV", "prec", "sigma_eV", "hf_tolerance_eV")},
            "hf_kpoints": list(self.hf_kpoints),
        }
        if tags := self.deciding_tags():
            found["incar"] = tags
        if level != "hf":
            found |= {name: getattr(self, name) for name in ("encutgw_eV", "orbitals_per_occupied")}
            found |= self._policy(level)
        return found

    def input_files(self, atoms: Atoms, levels: Collection[str], stretch: Stretch | None = None) -> dict[str, str]:  # noqa: ARG002
        """Of each step. How many bands there are is estimated: VASP says it when Hartree-Fock at Γ is done."""
        known = [level for level in LEVELS if level in levels]
        return written_inputs(self, atoms, known[-1]) if known else {}

    def _policy(self, level: str) -> dict[str, Any]:
        """What is corrected, and how."""
        policy: dict[str, Any] = {"corrects_mp2": self.corrects_mp2}
        if level != "mp2":
            policy = {
                "basis_set_correction": self.basis_set_correction,
                "finite_size_correction": self.finite_size_correction,
                "cc_tolerance_eV": self.cc_tolerance_eV,
                "cc_amplitude_tolerance": self.cc_amplitude_tolerance,
            }
            if self.finite_size_correction:
                policy["interpolation_grid"] = self.interpolation_grid
        if policy.get("corrects_mp2") or policy.get("basis_set_correction"):
            policy["pair_energies"] = self.pair_energies
            if self.pair_energies == "laplace":
                policy["laplace_points"] = self.laplace_points
        return policy

    def _corrections(self, level: str) -> str:
        basis = self.corrects_mp2 if level == "mp2" else self.basis_set_correction
        made = ["basis set"] * basis + ["finite size"] * (level != "mp2" and self.finite_size_correction)
        return f"corrected for {' and '.join(made)}" if made else "not corrected"

    def _chain(self, atoms: Atoms, level: str) -> Chain:
        """In the checkpoints of the label of `level`: when it is delivered they go with it."""
        found = self.fetched(atoms)
        if why := fitness.troubles(self, atoms, {level: False}):
            raise _failed("bad-input", "; ".join(f"{key}: {what}" for key, what in why), "correct the settings of the engine")
        if missing := self.lacking():
            raise _failed("no-program", "; ".join(what for _, what in missing), "install it there, or name it")
        directory = directory_of(computed_label_key(Structure.from_atoms(atoms).key(), level, self, forces=False))
        return Chain(self, atoms, directory, level, found)
