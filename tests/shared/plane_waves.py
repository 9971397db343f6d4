"""VASP and Cc4s as engines of a campaign, by the programs that stand in for them, whose energies are those of bonds."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import stand_in_for_cc4s
import stand_in_for_vasp
from ase import Atoms
from potcars import lay, potcar

from flows.records import Label
from launchers.farm import Farm

CHAIN = ["mesh-dft", "mesh-hf", "dft", "hf", "bands", "mp2", "natural", "canonical", "vertex", "cc4s"]


class PlaneWaves:
    """Both programs and a POTCAR of carbon, in a folder; what they have run."""

    def __init__(self, folder: Path) -> None:
        self.log, self.programs, self.potcars = folder / "vasp.log", folder / "bin", folder / "potcars"
        lay(self.potcars, "PBE_54", "C", potcar("C", enmax=300))
        self._commands = stand_in_for_cc4s.install(self.programs)
        (self.programs / "bonds").touch()

    def engines(self) -> dict[str, dict[str, Any]]:
        """For `engines` of a campaign."""
        vasp = {"command": f"{sys.executable} -IS {stand_in_for_vasp.__file__} --log {self.log}", "kpoints": [1, 1, 1]}
        cc4s = {**self._commands, "encutgw_eV": 300, "hf_kpoints": [3, 3, 3]}
        return {name: {"encut_eV": 400, "potcars": str(self.potcars), **more} for name, more in (("vasp", vasp), ("cc4s", cc4s))}

    def go_wrong(self, **steps: str) -> None:
        """Each step of the chain once, in that way."""
        (self.programs / "wrong.json").write_text(json.dumps({name.replace("_", "-"): how for name, how in steps.items()}))

    def vasp_runs(self) -> list[dict[str, Any]]:
        """Of DFT, in their order."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def chain_runs(self) -> Counter[str]:
        """Steps of the chains, of all structures."""
        calls = self.programs / "calls"
        return Counter(calls.read_text().split() if calls.exists() else [])


def stored_labels(farm: Farm) -> list[Label]:
    """Every label that the database has, twice where it has it twice."""
    found = farm.outputs.find({"output.energy_eV": {"$exists": True}, "output.structure_key": {"$exists": True}})
    return [Label.model_validate(one["output"]) for one in found]


def energies_eV(atoms: Atoms) -> dict[str, float]:
    """What each level is by the programs: bonds, of which Hartree-Fock and each part of the correlation has a share of its own."""
    bonds = stand_in_for_vasp.morse(atoms.cell.tolist(), atoms.get_scaled_positions().tolist(), 1.0)[0]
    parts, share = stand_in_for_cc4s.ENERGIES, stand_in_for_cc4s.SHARES
    basis, size = parts["BasisSetCorrection"], parts["FiniteSizeCorrection"]["correction"]
    hf = stand_in_for_cc4s.HF_MESH_EV + share["mesh-hf"] * bonds
    mp2 = parts["CoupledCluster"]["secondOrder"] + share["secondOrder"] * bonds + basis["secondOrderCorrection"]
    ccsd = parts["CoupledCluster"]["correlation"] + share["correlation"] * bonds + basis["correction"] + size
    triples = parts["PerturbativeTriples"]["correlation"] + share["triples"] * bonds
    return {"dft": bonds, "hf": hf, "mp2": hf + mp2, "ccsd": hf + ccsd, "ccsd(t)": hf + ccsd + triples}
