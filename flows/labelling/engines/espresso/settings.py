"""Quantum ESPRESSO: DFT of plane waves and pseudopotentials, with k-points and forces, by its program `pw.x`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from flows.failure import CalculationFailed
from flows.labelling.engines.espresso import fitness
from flows.labelling.engines.espresso.method import EspressoMethod
from flows.labelling.engines.espresso.output import Found
from flows.labelling.engines.espresso.response import INPUT as PH_INPUT
from flows.labelling.engines.espresso.response import Response, ph_input, respond
from flows.labelling.engines.espresso.run import INPUT, input_of, run, version_of
from flows.labelling.engines.given_files import GivenFile, root
from flows.labelling.engines.moving import Stretch
from flows.labelling.engines.protocol import BORN, STAGE, Computed
from flows.records import Failure

if TYPE_CHECKING:
    from ase import Atoms

LEVEL = "dft"
_SPELT = {"pbesol": "PBEsol"}
_failed = partial(CalculationFailed.of, STAGE)


class EspressoSettings(EspressoMethod):
    """One self-consistent calculation by `pw.x`: closed shells, no spin, the functional of its pseudopotentials. `ph.x` goes on from it to Born charges."""

    names_files_in: ClassVar[str | None] = "pseudopotentials"
    kind: Literal["espresso"] = "espresso"

    def text(self, level: str) -> str:  # noqa: ARG002 - it has one
        """`Quantum ESPRESSO, PBE, 40 Ry, C.pbe-mt_gipaw.UPF, k-points 2 × 2 × 2`."""
        names = [given.name if (given := GivenFile.of(one)) else Path(one).name for one in self.pseudopotentials.values()]
        mesh = f"k-points {' × '.join(map(str, self.kpoints))}" if self.kpoints else f"k-points every {self.kspacing_per_A:g}/Å"
        functional = _SPELT.get(self.functional, self.functional.upper())
        return ", ".join(["Quantum ESPRESSO", functional, f"{self.ecutwfc_Ry:g} Ry", *names, mesh])

    def levels(self) -> dict[str, bool]:
        return {LEVEL: True}

    def compute(self, atoms: Atoms, wanted: Mapping[str, bool]) -> Iterator[tuple[str, Computed | Failure]]:
        for level, forces in wanted.items():
            started = time.perf_counter()
            try:
                found = self._found(atoms, level)
            except CalculationFailed as error:
                yield level, error.failure.model_copy(update={"level": level})
            else:
                yield level, _computed(found, forces, time.perf_counter() - started)

    def finds_born(self) -> bool:
        return True

    def troubles(self, atoms: Atoms, levels: Mapping[str, bool]) -> tuple[tuple[str, str], ...]:
        found = fitness.troubles(self, atoms, {symbol: _path(one) for symbol, one in self.pseudopotentials.items()})
        return (*found, *fitness.troubles_of_response(self)) if BORN in levels else found

    def lacking(self, levels: Collection[str] = ()) -> tuple[tuple[str, str], ...]:
        missing = ", ".join(fitness.missing_programs(self, BORN in levels))
        return (("command", f"{missing} is not on this machine; where labels are computed: {fitness.INSTALL}"),) if missing else ()

    def versions(self) -> dict[str, str]:
        return {"pw.x": version_of(self.command), "ase": version("ase")}

    def identity_of(self, level: str, forces: bool) -> dict[str, Any]:
        """Of pseudopotentials what they hold, which says the functional too; nothing that is not asked for."""
        found: dict[str, Any] = {
            "kind": self.kind,
            "level": level,
            "forces": forces,
            "pseudopotentials": {symbol: _content(one) for symbol, one in self.pseudopotentials.items()},
            "ecutwfc_Ry": self.ecutwfc_Ry,
            "ecutrho_Ry": self.cutoff_of_density_Ry,
            "conv_thr_Ry": self.conv_thr_Ry,
        }
        if self.kpoints is not None:
            found |= {"kpoints": list(self.kpoints), "kpoints_shift": list(self.kpoints_shift)}
        for name in ("kspacing_per_A", "smearing", "degauss_Ry"):
            if value := getattr(self, name):
                found[name] = value
        if namelists := {name: keys for name, keys in self.namelists.items() if name != "inputph" or level == BORN}:
            found["namelists"] = namelists
        return found

    def given_files(self) -> tuple[tuple[str, GivenFile], ...]:
        given = ((symbol, GivenFile.of(one)) for symbol, one in self.pseudopotentials.items())
        return tuple((f"pseudopotentials.{symbol}", one) for symbol, one in given if one is not None)

    def said_of_files(self) -> dict[str, str]:
        return dict.fromkeys(self.pseudopotentials, "content")

    def for_elements(self, symbols: Collection[str]) -> Self:
        """Without the pseudopotentials of other elements, which decide nothing."""
        return self.model_copy(update={"pseudopotentials": {one: file for one, file in self.pseudopotentials.items() if one in symbols}})

    def input_files(self, atoms: Atoms, levels: Collection[str], stretch: Stretch | None = None) -> dict[str, str]:  # noqa: ARG002 - its program does no MD
        named = {symbol: given.text() if (given := GivenFile.of(one)) else str(one) for symbol, one in self.pseudopotentials.items()}
        inputs = {INPUT: input_of(self, atoms, self._bands(atoms), response=BORN in levels)}
        if BORN in levels:
            inputs[PH_INPUT] = ph_input(self)
        return {**inputs, **{f"{symbol}.UPF": f"{text}\n" for symbol, text in named.items()}}

    def _bands(self, atoms: Atoms) -> int | None:
        """None also before the pseudopotentials are here."""
        with suppress(OSError, ValueError):
            return fitness.band_count(self, atoms, {symbol: _path(one) for symbol, one in self.pseudopotentials.items()})
        return None

    def _found(self, atoms: Atoms, level: str) -> Found | Response:
        if level not in (LEVEL, BORN):
            raise _failed("bad-input", f"Quantum ESPRESSO has no {level!r} here", f"it has {LEVEL}, with forces")
        files = {symbol: _path(one) for symbol, one in self.pseudopotentials.items()}
        for symbol, path in files.items():
            if symbol in atoms.symbols and not path.exists():
                message = f"the pseudopotential {path.name} of {symbol} is not in {path.parent}"
                advice = f"submit the campaign again and retry; leave {root()} alone while jobs run"
                raise _failed("no-pseudopotential", message, advice)
        if found := self.troubles(atoms, {level: False}):
            message = "; ".join(f"{key}: {why}" for key, why in found)
            raise _failed("bad-input", message, "correct the settings of the engine")
        return respond(self, atoms, files) if level == BORN else run(self, atoms, files)


def _path(named: Any) -> Path:
    given = GivenFile.of(named)
    return Path(named).expanduser() if given is None else given.here


def _content(named: Any) -> dict[str, Any]:
    if (given := GivenFile.of(named)) is not None:
        return given.identity()
    with _path(named).open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _computed(found: Found | Response, forces: bool, seconds: float) -> Computed:
    from ase.units import Bohr, Hartree

    if isinstance(found, Response):
        ground = _computed(found.ground, forces, seconds)
        return replace(ground, born_charges=found.born_charges, dielectric=found.dielectric, versions={"ph.x": found.version})
    return Computed(
        energy_eV=found.energy_Ha * Hartree,
        forces_eV_A=found.forces_Ha_Bohr * (Hartree / Bohr) if forces else None,
        diagnostics={
            "cycles": float(found.cycles),
            "scf_error_eV": found.scf_error_Ha * Hartree,
            **({} if found.gap_Ha is None else {"gap_eV": found.gap_Ha * Hartree}),
        },
        wall_time_s=seconds,
    )
