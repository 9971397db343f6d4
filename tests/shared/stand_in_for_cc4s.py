"""Programs in place of VASP (with its interface to Cc4s) and of Cc4s. They look at what they are given, refuse what is not right, and
leave the files that those leave, in their layout, with the energies of Cc4s' tutorial. They go wrong as the file of wrongs says.

    python stand_in_for_cc4s.py gamma|kpoints|cc4s FOLDER [-i INPUT]

FOLDER has `calls`, a line for each run, and may have `wrong.json`: {step: how, ...}, each once: `kill` (it, with who started it),
`exit N`, `hang`, `hold` (the same; `held` says the step and its process), `unconverged`, `nothing`, `cut FILE`, `signal N`, `bands`, `truncated`, `triples exit N`,
`old`; what custodian knows: `says WORDS` (and stops), `slow` (its electrons do not converge, as vasprun.xml has it).

With `bonds` in FOLDER energies are of the structure: on top come so many times (`SHARES`) the energy of its bonds (`stand_in_for_vasp.morse`),
for Cc4s by what VASP hands it.
"""

from __future__ import annotations

import json
import math
import os
import re
import signal
import struct
import sys
import time
from pathlib import Path
from typing import Any

PLANE_WAVES = 906  # of half of the sphere, as gamma-only prints it
HF_EV, HF_MESH_EV, DFT_EV = -116.426066, -117.25, -120.5
ENERGIES = {
    "CoupledCluster": {"correlation": -25.445624886202758, "direct": -38.822491455744313, "exchange": 13.376866569541555, "secondOrder": -24.360504309639897},
    "BasisSetCorrection": {
        "correction": -5.2998024502064709, "pplCorrection": 1.2013851788124801, "secondOrderCorrection": -6.5011876290189505,
        "uncorrectedCorrelation": -25.445624886202786,
    },
    "FiniteSizeCorrection": {"corrected": -26.560663044130632, "correction": -1.1152868080903175, "uncorrected": -25.445376236040314},
    "PerturbativeTriples": {"correlation": -0.82253051098949848},
    "PerturbativeTriplesReference": {"correlation": -0.82253051098949848},
}  # fmt: skip
SHARES = {"mesh-hf": 1.1, "secondOrder": 0.03, "correlation": 0.05, "triples": 0.01}
UNIT = 0.036749322175638782
ORBITALS = 64  # bytes of a record


def main(program: str, folder: Path, arguments: list[str]) -> int:
    if program == "cc4s":
        return cc4s(folder, Path(arguments[arguments.index("-i") + 1]))
    tags, mesh = incar(), Path("KPOINTS").read_text().splitlines()[3].split()
    step = step_of(tags, mesh)
    wrong = begin(folder, step)
    check(program, step, tags, mesh)
    if wrong.startswith("exit"):
        print(" internal error in subroutine PRICEL", file=sys.stderr)
        return int(wrong.split()[1])
    if wrong.startswith("signal"):
        os.kill(os.getpid(), int(wrong.split()[1]))
    if wrong.startswith("says"):
        print(wrong.removeprefix("says "), flush=True)
        return 1
    leave(step, tags, wrong, bonds_eV() if (folder / "bonds").exists() else 0.0)
    return 0


def begin(folder: Path, step: str) -> str:
    """Note the run, and how it is to go wrong."""
    with (folder / "calls").open("a") as calls:
        calls.write(step + "\n")
    path = folder / "wrong.json"
    wrongs = json.loads(path.read_text()) if path.exists() else {}
    wrong: str = wrongs.pop(step, "")
    if wrong:
        path.write_text(json.dumps(wrongs))
    if wrong == "kill":
        Path("half-written").write_text("of a killed run")
        os.kill(os.getppid(), signal.SIGKILL)
        os.killpg(0, signal.SIGKILL)
    if wrong == "hold":
        (folder / "held").write_text(f"{step} {os.getpid()}")
    if wrong in ("hang", "hold"):
        time.sleep(600)
    return wrong


def incar() -> dict[str, str]:
    lines = (line.partition("=") for line in Path("INCAR").read_text().splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}


def step_of(tags: dict[str, str], mesh: list[str]) -> str:
    exact = tags.get("LHFCALC", "F").strip(".").upper().startswith("T")
    if mesh != ["1", "1", "1"]:
        return "mesh-hf" if exact else "mesh-dft"
    if not exact:
        return "dft"
    named = {"All": "hf", "Damped": "hf", "Exact": "bands", "MP2": "mp2", "ACFDTRK": "mp2", "MP2NO": "natural", "sub": "canonical", "CC4S": "vertex"}
    return named[tags["ALGO"]]


def check(program: str, step: str, tags: dict[str, str], mesh: list[str]) -> None:
    """That the step has what it needs."""
    assert (program == "kpoints") == (mesh != ["1", "1", "1"])
    assert tags["ISMEAR"] == "0"
    assert float(tags["ENCUT"]) > 0
    again = bool(list(Path().glob("error.*")))  # which custodian leaves of a run that it corrects
    if not again:
        assert tags["ISYM"] == ("0" if program == "kpoints" else "-1")
        assert sorted(os.listdir(".")) == sorted({"INCAR", "KPOINTS", "POSCAR", "POTCAR", "program.out", "program.err"} | ({"WAVECAR"} if step not in ("dft", "mesh-dft") else set()))
    elements = Path("POSCAR").read_text().splitlines()[5].split()
    assert [title.split()[1].split("_")[0] for title in re.findall(r"TITEL\s*=\s*(.+)", Path("POTCAR").read_text())] == elements
    comes_of = {"hf": "dft", "mesh-hf": "mesh-dft", "bands": "hf", "mp2": "bands", "natural": "bands", "canonical": "FNO of natural", "vertex": "canonical"}
    if step in comes_of:
        orbitals = (comes_of[step].encode(), *([step.encode()] if again else []))
        assert Path("WAVECAR").read_bytes().rstrip(b"\0").endswith(orbitals), f"{step} needs the orbitals of {comes_of[step]}"
        assert tags["AEXX"] == "1.0"
    if step in ("bands", "mp2", "natural"):
        assert tags["NBANDS"] == str(2 * PLANE_WAVES - 1)
    if step in ("canonical", "vertex"):
        assert tags["NBANDS"] == tags["NBANDSHIGH"] == str(11 * occupied())
    if step in ("bands", "canonical"):
        assert tags["NELM"] == "1"
    if step == "vertex":
        assert float(tags["ENCUTGW"]) == float(tags["ENCUTGWSOFT"]) > 0


def occupied() -> int:
    counts = [int(one) for one in Path("POSCAR").read_text().splitlines()[6].split()]
    valence = [float(one) for one in re.findall(r"ZVAL\s*=\s*(\S+)", Path("POTCAR").read_text())]
    return round(sum(a * b for a, b in zip(counts, valence, strict=True)) / 2)


def bonds_eV() -> float:
    vasp = other()
    cell, _, fractional = vasp.poscar()
    found: float = vasp.morse(cell, fractional, 1.0)[0]
    return found


def other() -> Any:
    """The program in place of VASP's DFT; this one runs without a path to its neighbours."""
    sys.path.insert(0, str(Path(__file__).parent))
    import stand_in_for_vasp

    return stand_in_for_vasp


def leave_vasprun(tags: dict[str, str], cycles: int) -> None:
    vasp = other()
    cell, symbols, fractional = vasp.poscar()
    told = {"NELM": "60", "NSW": "0", "IBRION": "-1", "ALGO": "Normal", **tags}
    calculation = vasp.calculation(cell, fractional, DFT_EV, [[0.0] * 3] * len(symbols), cycles)
    Path("vasprun.xml").write_text(vasp.document(told, [1, 1, 1], cell, symbols, fractional, calculation))


def leave(step: str, tags: dict[str, str], wrong: str, bonds: float) -> None:
    if wrong == "nothing":
        return
    if wrong == "slow":
        leave_vasprun(tags, int(tags["NELM"]))
        wrong = "unconverged"
    elif Path("vasprun.xml").exists():
        leave_vasprun(tags, 9)
    energy = {"mesh-hf": HF_MESH_EV, "hf": HF_EV}.get(step, DFT_EV) + SHARES.get(step, 0.0) * bonds
    at_zero = energy + (0.3 if wrong == "metal" else 0.0)
    bands = int(tags.get("NBANDS", 8)) - (1 if wrong == "bands" else 0)
    outcar = f""" vasp.6.3.1 04May22 (build Jun 20 2022 10:00:00) {"complex" if step.startswith("mesh") else "gamma-only"}
   NELECT =    {2 * occupied():.4f}    total number of electrons
   NBANDS =    {bands}
 maximum number of plane-waves:    {PLANE_WAVES}
  free  energy   TOTEN  =  {energy:18.8f} eV

  energy  without entropy= {at_zero:18.8f}  energy(sigma->0) = {at_zero:18.8f}
{"" if wrong == "unconverged" else "------------------------ aborting loop because EDIFF is reached ----"}
{"" if wrong == "unfinished" else " General timing and accounting informations for this job:"}
"""
    Path("OUTCAR").write_text(outcar)
    Path("CHGCAR").write_text("large")
    if step == "natural":
        wavecar("WAVECAR.FNO", bands, "FNO of natural")
    if step == "mp2":
        tensor("Mp2PairEnergies", (occupied(),) * 2, "TextFile")
    elif step == "vertex":
        kept, grid, fields = bands, 20, 12
        tensor("CoulombVertex", (fields, kept, kept), "IeeeBinaryFile", "Complex64")
        tensor("EigenEnergies", (kept,), "TextFile")
        Path("EigenEnergies.elements").write_text(f"{bonds!r}\n" + "0.0\n" * (kept - 1))
        tensor("CoulombVertexSingularVectors", (grid, fields), "IeeeBinaryFile", "Complex64")
        tensor("GridVectors", (3, grid), "TextFile")
        tensor("CoulombPotential", (grid,), "TextFile")
        tensor("DeltaIntegralsHH", (occupied(),) * 2, "IeeeBinaryFile")
        tensor("DeltaIntegralsPPHH", (2, 2, occupied(), occupied()), "IeeeBinaryFile")
    else:
        wavecar("WAVECAR", bands, step)
    if wrong.startswith("cut"):
        path = Path(wrong.split()[1])
        path.write_bytes(path.read_bytes()[:-ORBITALS])
    if wrong.startswith("without"):
        Path(wrong.split()[1]).unlink()


def wavecar(name: str, bands: int, of: str) -> None:
    content = struct.pack("3d", ORBITALS, 1, 45200).ljust(ORBITALS, b"\0") + struct.pack("2d", 1, bands).ljust(ORBITALS, b"\0")
    Path(name).write_bytes(content + bytes(ORBITALS * bands) + of.encode().ljust(ORBITALS, b"\0"))


def tensor(name: str, lengths: tuple[int, ...], kind: str, scalar: str = "Real64") -> None:
    dimensions = "".join(f"- length: {length:6d}\n  type: State\n" for length in lengths)
    text = f"version: 100\ntype: Tensor\nscalarType: {scalar}\ndimensions:\n{dimensions}elements:\n  type: {kind}\nunit: {UNIT}\n"
    Path(f"{name}.yaml").write_text(text)
    count = math.prod(lengths)
    Path(f"{name}.elements").write_bytes(b"0.0\n" * count if kind == "TextFile" else bytes(count * (16 if scalar == "Complex64" else 8)))


def cc4s(folder: Path, path: Path) -> int:
    import yaml

    steps = yaml.safe_load(path.read_text())
    names = [step["name"] for step in steps]
    wrong = begin(folder, "cc4s-reference" if "PerturbativeTriplesReference" in names else "cc4s")
    bonds = float(Path("EigenEnergies.elements").read_text().split()[0])
    done: dict[str, Any] = {}
    known: set[str] = set()
    for number, step in enumerate(steps):
        objects = {value for key, value in step["in"].items() if isinstance(value, str) and key not in ("fileName", "method")}
        assert objects <= known, f"{step['name']} needs {objects - known}"
        if step["name"] == "Read":
            assert Path(step["in"]["fileName"]).exists(), step["in"]["fileName"]
            assert Path(step["in"]["fileName"]).with_suffix(".elements").exists()
        if step["name"].startswith("PerturbativeTriples") and wrong.startswith("triples"):
            how, what = wrong.split()[1:]
            if how == "signal":
                os.kill(os.getpid(), int(what))
            print("Floating point exception (core dumped)", file=sys.stderr)
            return int(what)
        known |= set(step["out"].values())
        done[str(number)] = ended(step, wrong, bonds)
        emit(done, wrong)
    if wrong == "truncated":
        Path("cc4s.out.yaml").write_text(Path("cc4s.out.yaml").read_text()[:-400])
    if wrong == "nothing":
        Path("cc4s.out.yaml").unlink()
    return 0


def energies(step: str, bonds: float) -> dict[str, float]:
    """Of a step of Cc4s, in eV."""
    found = dict(ENERGIES[step])
    shares = {"uncorrectedCorrelation": "correlation", "uncorrected": "correlation", "corrected": "correlation"}
    for name in found:
        share = "triples" if step.startswith("PerturbativeTriples") else shares.get(name, name)
        found[name] += SHARES.get(share, 0.0) * bonds
    return found


def ended(step: dict[str, Any], wrong: str, bonds: float) -> dict[str, Any]:
    out: dict[str, Any] = dict.fromkeys(step["out"], "0x2daf488")
    if step["name"] in ENERGIES:
        out["energy"] = {**energies(step["name"], bonds), "unit": UNIT}
    if step["name"] == "CoupledCluster":
        cycles = step["in"]["maxIterations"]
        out["convergenceReached"] = int(cycles > 1 and not (wrong == "unconverged" and cycles < 60))
    times = {"floatingPointOperations": 0, "flops": 0, "realtime": "0.25"}
    return {"in": step["in"], "name": step["name"], "out": out, **(times if wrong == "old" else {"statistics": times})}


def emit(done: dict[str, Any], wrong: str) -> None:
    """Anew after each step; keys in the order of texts: 0, 1, 10, 11, 2."""
    import yaml

    about: dict[str, Any] = {"buildDate": "Feb  2 2022 13:39:29", "version": "heads/develop-0-gae7d6b7"}
    about = about if wrong == "old" else {"executionEnvironment": about}
    text = yaml.safe_dump({**about, "steps": dict(sorted(done.items()))}).replace("'", "")
    Path("cc4s.out.yaml").write_text(text)


def install(place: Path) -> dict[str, str]:
    """Programs of their names in `place`, as settings of the engine."""
    place.mkdir(parents=True, exist_ok=True)
    for name, program in (("vasp_gam", "gamma"), ("vasp_std", "kpoints"), ("Cc4s", "cc4s")):
        path = place / name
        options = "-I" if program == "cc4s" else "-IS"  # it alone reads YAML
        path.write_text(f'#!/bin/sh\nexec {sys.executable} {options} {Path(__file__).absolute()} {program} {place} "$@"\n')
        path.chmod(0o755)
    return {"command": str(place / "vasp_std"), "gamma_command": str(place / "vasp_gam"), "cc4s_command": str(place / "Cc4s")}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
