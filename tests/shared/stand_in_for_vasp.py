"""A program in place of VASP: it reads INCAR, KPOINTS, POSCAR and POTCAR as VASP does, refuses what does not fit together, and leaves
the files that VASP leaves, of a pair potential instead of electrons. It goes wrong as its arguments say.

    python stand_in_for_vasp.py [--log FILE] [--wrong HOW]

`--log` adds a line of JSON for each run: its tags, mesh, elements, a digest of its structure, whether it began from orbitals, and by whom (`STARTED_BY`).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import re
import signal
import sys
import time
from itertools import product
from pathlib import Path

DEPTH_EV, WIDTH_A, REST_A = 2.0, 1.7, 1.545  # of a Morse bond
EXACT_EXCHANGE = 1.1  # times as deep with it
BANDS = 4


def main(arguments: list[str]) -> int:
    options = dict(zip(arguments[::2], arguments[1::2], strict=True))
    wrong = options.get("--wrong", "")
    tags, mesh, cell, symbols, fractional = incar(), kpoints(), *poscar()
    began = Path("WAVECAR").is_file() and tags.get("ISTART") == "1"
    if "--log" in options:
        about = {"tags": tags, "mesh": mesh, "symbols": symbols, "titles": potcar_titles(), "began": began, "pid": os.getpid()}
        about |= {"structure": hashlib.sha256(Path("POSCAR").read_bytes()).hexdigest()[:16], "by": os.environ.get("STARTED_BY", "")}
        with Path(options["--log"]).open("a") as log:
            log.write(json.dumps(about) + "\n")
    if refusal := refused(tags, symbols):
        print(f" {'-' * 77}\n|     EEEEEEE  RRRRRR     {refusal}\n|     ---->  I REFUSE TO CONTINUE WITH THIS SICK JOB ... BYE!!! <----\n {'-' * 77}")
        return 1
    if (code := go_wrong(wrong, tags, began)) is not None:
        return code
    exact = tags.get("LHFCALC", ".FALSE.").strip(".").upper().startswith("T")
    energy, forces = morse(cell, fractional, EXACT_EXCHANGE if exact else 1.0)
    cycles = 3 if began else 9
    most = int(tags["NELM"])
    if tags["IBRION"] == "0":
        move(tags, mesh, cell, symbols, fractional, wrong)
        return 0
    if wrong == "unconverged" or (wrong == "needs-algo-all" and tags["ALGO"].upper() != "ALL"):
        cycles = most
    leave(tags, mesh, cell, symbols, fractional, energy, forces, min(cycles, most), wrong)
    return 0


def incar() -> dict[str, str]:
    lines = (line.split("#")[0].split("!")[0] for line in Path("INCAR").read_text().splitlines())
    return {key.strip().upper(): value.strip() for key, _, value in (line.partition("=") for line in lines) if key.strip()}


def kpoints() -> list[int]:
    lines = Path("KPOINTS").read_text().splitlines()
    assert lines[1].strip() == "0"
    assert lines[2].strip()[0].upper() == "G"
    return [int(word) for word in lines[3].split()]


def poscar() -> tuple[list[list[float]], list[str], list[list[float]]]:
    lines = Path("POSCAR").read_text().splitlines()
    scale = float(lines[1])
    cell = [[scale * float(word) for word in line.split()] for line in lines[2:5]]
    elements, counts = lines[5].split(), [int(word) for word in lines[6].split()]
    symbols = [one for one, count in zip(elements, counts, strict=True) for _ in range(count)]
    assert lines[7].strip()[0].lower() == "d"
    return cell, symbols, [[float(word) for word in line.split()[:3]] for line in lines[8 : 8 + len(symbols)]]


def potcar_titles() -> list[str]:
    return re.findall(r"TITEL\s*=\s*(.+)", Path("POTCAR").read_text())


def refused(tags: dict[str, str], symbols: list[str]) -> str:
    elements = [one for i, one in enumerate(symbols) if i == 0 or symbols[i - 1] != one]
    titles = potcar_titles()
    if [title.split()[1].split("_")[0] for title in titles] != elements:
        return f"ERROR: there must be one POTCAR for each type, in the order of POSCAR: {titles}, {elements}"
    if not float(tags["ENCUT"]) > 0 or tags["IBRION"] not in ("-1", "0", "8"):
        return "ERROR: INCAR makes no sense"
    return ""


def go_wrong(wrong: str, tags: dict[str, str], began: bool) -> int | None:
    """The exit code of one that goes wrong before it has a result."""
    if wrong == "crash":
        print(" LAPACK: Routine ZPOTRF failed!  7  0  0", flush=True)
        return 1
    if wrong == "unknown" or (wrong == "hf-crashes" and "LHFCALC" in tags):
        print(" internal error: something that custodian does not know", file=sys.stderr)
        return 7
    if wrong == "bad-orbitals" and began:
        print(" forrtl: severe (174): SIGSEGV, segmentation fault occurred", file=sys.stderr)
        return 174
    if wrong == "pricel" and "1e-08" not in tags.get("SYMPREC", ""):
        print(" internal error in subroutine PRICEL (probably precision problem", flush=True)
        return 1
    if wrong == "triple" and not Path("swapped").exists():
        Path("swapped").touch()
        print(" ERROR: the triple product of the basis vectors", flush=True)
        return 1
    if wrong == "hang":
        time.sleep(600)
    if wrong == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if wrong == "silent":
        return 0
    return None


def morse(cell: list[list[float]], fractional: list[list[float]], depth: float) -> tuple[float, list[list[float]]]:
    """Bonds between all pairs within 4 Å, images included."""
    count = len(fractional)
    at = [[sum(f[i] * cell[i][x] for i in range(3)) for x in range(3)] for f in fractional]
    forces = [[0.0] * 3 for _ in range(count)]
    energy = 0.0
    shifts = [[sum(n[i] * cell[i][x] for i in range(3)) for x in range(3)] for n in product((-1, 0, 1), repeat=3)]
    for i, j in product(range(count), repeat=2):
        for shift in shifts:
            d = [at[j][x] + shift[x] - at[i][x] for x in range(3)]
            r = math.sqrt(sum(x * x for x in d))
            if not 1e-6 < r < 4.0:
                continue
            decay = math.exp(-WIDTH_A * (r - REST_A))
            energy += 0.5 * depth * DEPTH_EV * (decay * decay - 2 * decay)
            slope = 2 * depth * DEPTH_EV * WIDTH_A * (decay - decay * decay)
            for x in range(3):
                forces[i][x] += slope * d[x] / r
    return energy, forces


def electrons(symbols: list[str]) -> float:
    species = list(dict.fromkeys(symbols))
    valence = [float(one) for one in re.findall(r"ZVAL\s*=\s*(\S+)", Path("POTCAR").read_text())]
    return sum(valence[species.index(one)] for one in symbols)


MASSES = {"H": 1.008, "Li": 6.94, "C": 12.011, "Si": 28.085}
ACCELERATION = 0.00964853322  # Å/fs² of 1 eV/Å on 1 u
BOLTZMANN = 8.617333e-5


def move(tags, mesh, cell, symbols, fractional, wrong) -> None:
    """Langevin MD from the velocities of POSCAR, in vasprun.xml one calculation for each step, in CONTCAR where it is to go on."""
    assert tags["MDALGO"] == "3"
    assert tags["ISIF"] == "2"
    assert tags["TEBEG"] == tags["TEEND"]
    steps, timestep, temperature = int(tags["NSW"]), float(tags["POTIM"]), float(tags["TEBEG"])
    frictions = [float(word) / 1000 for word in tags["LANGEVIN_GAMMA"].split()]
    species = list(dict.fromkeys(symbols))
    assert len(frictions) == len(species)
    noise = random.Random(int(tags["RANDOM_SEED"].split()[0]))
    lines = Path("POSCAR").read_text().splitlines()[9 + len(symbols) :]
    velocities = [[float(word) for word in line.split()] for line in lines[: len(symbols)]]
    assert len(velocities) == len(symbols)
    inverse = inverted(cell)
    text, kinetic = "", 0.0
    for step in range(steps):
        energy, forces = morse(cell, fractional, 1.0)
        kinetic = sum(0.5 * MASSES[one] * sum(x * x for x in v) for one, v in zip(symbols, velocities, strict=True)) / ACCELERATION
        cycles = int(tags["NELM"]) if wrong == "unconverged-step" and step == 7 else 4
        text += calculation(cell, fractional, energy, forces, cycles, kinetic * (1000 if wrong == "explodes" and step == 7 else 1))
        for i, one in enumerate(symbols):
            friction = frictions[species.index(one)]
            keep = math.exp(-friction * timestep)
            spread = math.sqrt((1 - keep * keep) * BOLTZMANN * temperature * ACCELERATION / MASSES[one])
            for x in range(3):
                velocities[i][x] += forces[i][x] * ACCELERATION / MASSES[one] * timestep
                velocities[i][x] = keep * velocities[i][x] + spread * noise.gauss(0, 1)
            shift = [sum(velocities[i][k] * inverse[k][x] for k in range(3)) * timestep for x in range(3)]
            fractional[i] = [(a + b) % 1.0 for a, b in zip(fractional[i], shift, strict=True)]
    text = document(tags, mesh, cell, symbols, fractional, text)
    Path("vasprun.xml").write_text(text)
    Path("OUTCAR").write_text(" vasp.6.4.2 20Jul23 (build) complex\n")
    Path("OSZICAR").write_text("")
    head = "\n".join(Path("POSCAR").read_text().splitlines()[:8])
    places = "\n".join(" ".join(f"{x:.16f}" for x in row) for row in fractional)
    speeds = "\n".join(" ".join(f"{x:.8E}" for x in row) for row in velocities)
    Path("CONTCAR").write_text(f"{head}\n{places}\n\n{speeds}\n")
    Path("WAVECAR").write_text("orbitals\n")


def inverted(cell: list[list[float]]) -> list[list[float]]:
    (a, b, c), (d, e, f), (g, h, i) = cell
    det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    return [
        [(e * i - f * h) / det, (c * h - b * i) / det, (b * f - c * e) / det],
        [(f * g - d * i) / det, (a * i - c * g) / det, (c * d - a * f) / det],
        [(d * h - e * g) / det, (b * g - a * h) / det, (a * e - b * d) / det],
    ]


def rows(numbers: list[list[float]]) -> str:
    return "".join("   <v> " + " ".join(f"{x:.8f}" for x in row) + " </v>\n" for row in numbers)


def calculation(cell, fractional, energy, forces, cycles, kinetic=None) -> str:
    total = "".join(f'<i name="{name}">{energy:.8f}</i>' for name in ("e_fr_energy", "e_wo_entrp", "e_0_energy"))
    moving = "" if kinetic is None else f'<i name="kinetic">{kinetic:.8f}</i><i name="total">{energy + kinetic:.8f}</i>'
    return f"""<calculation>
{f"<scstep><energy>{total}</energy></scstep>" * cycles}
<structure>{geometry(cell, fractional)}</structure>
<varray name="forces">
{rows(forces)}</varray>
<energy>{total}{moving}</energy>
</calculation>
"""


def geometry(cell, fractional) -> str:
    basis = f'<crystal><varray name="basis">\n{rows(cell)}</varray><varray name="rec_basis">\n{rows(cell)}</varray></crystal>'
    return f'{basis}<varray name="positions">\n{rows(fractional)}</varray>'


CHARGES, DIELECTRIC = {"Li": 1.02, "H": -1.0, "C": 0.0}, 4.8


def response(symbols) -> str:
    """As VASP has them: one set of rows for each atom, after the forces."""
    tensors = [[[CHARGES[one] if i == j else 0.0 for j in range(3)] for i in range(3)] for one in symbols]
    sets = "".join(f"<set>\n{rows(one)}</set>\n" for one in tensors)
    epsilon = rows([[DIELECTRIC if i == j else 0.0 for j in range(3)] for i in range(3)])
    return f'<varray name="epsilon">\n{epsilon}</varray>\n<array name="born_charges">\n<dimension dim="1">ion</dimension>\n{sets}</array>\n'


def document(tags, mesh, cell, symbols, fractional, calculations: str) -> str:
    said = "".join(f'<i type="{kind(value)}" name="{tag}">{value.strip(".")[0] if kind(value) == "logical" else value}</i>\n' for tag, value in tags.items())
    species = list(dict.fromkeys(symbols))
    ions = "".join(f"<rc><c>{one}</c><c>{species.index(one) + 1}</c></rc>\n" for one in symbols)
    kinds = "".join(
        f"<rc><c>{symbols.count(one)}</c><c>{one}</c><c>12.0</c><c>4.0</c><c>{title}</c></rc>\n"
        for one, title in zip(species, potcar_titles(), strict=True)
    )
    structure = geometry(cell, fractional)
    return f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
<generator><i name="program" type="string">vasp </i><i name="version" type="string">6.4.2  </i></generator>
<incar>
{said}</incar>
<kpoints><generation param="Gamma"><v type="int" name="divisions">{" ".join(map(str, mesh))}</v></generation>
<varray name="kpointlist"><v> 0.0 0.0 0.0 </v></varray><varray name="weights"><v> 1.0 </v></varray></kpoints>
<parameters><separator name="electronic">
{said}<i type="int" name="NBANDS">{BANDS}</i><i name="NELECT">{electrons(symbols):.8f}</i></separator></parameters>
<atominfo><atoms>{len(symbols)}</atoms><types>{len(species)}</types>
<array name="atoms"><dimension dim="1">ion</dimension><field type="string">element</field><field type="int">atomtype</field><set>
{ions}</set></array>
<array name="atomtypes"><dimension dim="1">type</dimension><field type="int">atomspertype</field><field type="string">element</field>
<field>mass</field><field>valence</field><field type="string">pseudopotential</field><set>
{kinds}</set></array></atominfo>
<structure name="initialpos">{structure}</structure>
{calculations}<structure name="finalpos">{structure}</structure>
</modeling>
"""


def leave(tags, mesh, cell, symbols, fractional, energy, forces, cycles, wrong) -> None:
    """vasprun.xml, OUTCAR, OSZICAR, CONTCAR, WAVECAR."""
    shown = -1e400 if wrong == "nan" else energy
    if wrong == "few-forces":
        forces = forces[:-1]
    if wrong == "other-structure":
        fractional = [[x + 0.01 * i for x in row] for i, row in enumerate(fractional)]
    answer = response(symbols) if tags.get("LEPSILON", "").strip(".").upper().startswith("T") and wrong != "no-response" else ""
    text = document(tags, mesh, cell, symbols, fractional, calculation(cell, fractional, shown, forces, cycles).replace("</calculation>", f"{answer}</calculation>"))
    Path("vasprun.xml").write_text(text[: len(text) // 2] if wrong == "cut" else text)
    Path("OUTCAR").write_text(f" vasp.6.4.2 20Jul23 (build) complex\n   ions per type = {len(symbols)}\n  free  energy   TOTEN  = {energy:18.8f} eV\n")
    Path("OSZICAR").write_text("".join(f"DAV: {i + 1:3d}    {energy:.8E}\n" for i in range(cycles)) + f"   1 F= {energy:.8E} E0= {energy:.8E}  d E =0.0\n")
    Path("CONTCAR").write_text(Path("POSCAR").read_text())
    if tags.get("LWAVE", "").strip(".").upper().startswith("T"):
        Path("WAVECAR").write_text("orbitals\n")


def kind(value: str) -> str:
    if value.strip(".").upper() in ("T", "F", "TRUE", "FALSE"):
        return "logical"
    return "int" if re.fullmatch(r"-?\d+", value) else "string"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
