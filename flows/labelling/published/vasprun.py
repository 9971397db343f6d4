"""Steps of vasprun.xml: of statics, MD and relaxations.

ASE's and pymatgen's readers stop at the first step with a number that is none, and the one of ASE does not say whether the
electrons converged; the tests hold this one against both.

The energy is `e_fr_energy`, whose derivative VASP's forces are; `e_0_energy` is its extrapolation to no smearing. In
`calculation/energy` the former has a term of PSTRESS, and the latter is wrong where there is a correction of dispersion
(https://gitlab.com/ase/ase/-/merge_requests/2685): both are mended as ASE does it.
"""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from ase.units import GPa

from flows.labelling.header import FrameError
from flows.labelling.published.moving_cells import of_one_basis
from flows.labelling.published.step import Step

# an ALGO whose energy is no total energy of the density functional or of Hartree-Fock
_OTHER_ENERGIES = ("CHI", "GW", "EVGW", "QPGW", "SCGW", "ACFDT", "RPA", "BSE", "TDHF", "TIMEEV", "MP2", "CC4S", "2E4W", "G0W0")


class NotConverged(FrameError):
    """A step whose electrons did not converge."""


@dataclass
class _Run:
    """What is said once: the elements, and the settings by which steps are judged."""

    symbols: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)

    def number(self, name: str) -> float | None:
        text = self.settings.get(name)
        return None if text is None else float(text)


def is_vasprun(content: bytes) -> bool:
    return b"<modeling>" in content[:1000]


def steps(content: bytes) -> Iterator[Step | FrameError]:
    """Every ionic step of unpacked content, or why it is none."""
    yield from of_one_basis(_steps(content))


def _steps(content: bytes) -> Iterator[Step | FrameError]:
    run, begun = _Run(), 0
    try:
        for event, element in ElementTree.iterparse(io.BytesIO(content), events=("start", "end")):
            if element.tag == "calculation" and event == "start":
                begun += 1
            elif event == "end" and element.tag == "calculation":
                begun -= 1
                yield _judged(element, run)
                element.clear()
            elif event == "end":
                _note(element, run)
    except ElementTree.ParseError as error:
        inside = "in the middle of a step" if begun else "between two steps"
        yield FrameError(f"vasprun.xml ends {inside}, is the run finished? ({error})")


def _note(element: ElementTree.Element, run: _Run) -> None:
    if element.tag == "atominfo":
        rows = element.findall("array[@name='atoms']/set/rc")
        run.symbols = tuple((row[0].text or "").strip() for row in rows)
    elif element.tag in ("incar", "parameters"):
        for item in element.iter("i"):
            run.settings[item.get("name", "")] = (item.text or "").strip()


def _judged(element: ElementTree.Element, run: _Run) -> Step | FrameError:
    try:
        _refuse_unconverged(element, run)
        return _step(element, run)
    except FrameError as error:
        return error
    except (ValueError, AttributeError, IndexError, TypeError) as error:
        return FrameError(f"unreadable: {error}")


def _refuse_unconverged(element: ElementTree.Element, run: _Run) -> None:
    cycles, most = len(element.findall("scstep")), run.number("NELM")
    algorithm = run.settings.get("ALGO", "").upper()
    if algorithm.startswith(_OTHER_ENERGIES):
        raise FrameError(f"ALGO = {algorithm}: its energy is not that of the ground state")
    if cycles == 0:
        raise FrameError("it has no electronic step: its energy is not of electrons (of a machine-learned force field?)")
    if most is None:
        raise FrameError("it does not say NELM: whether its electrons converged cannot be told")
    if cycles >= most:
        raise NotConverged(f"its electrons did not converge: all NELM = {most:.0f} cycles are used up")


def _step(element: ElementTree.Element, run: _Run) -> Step:
    cell = _rows(element, "structure/crystal/varray[@name='basis']")
    fractional = _rows(element, "structure/varray[@name='positions']")
    forces = element.find("varray[@name='forces']")
    if cell is None or fractional is None:
        raise FrameError("it has no structure")
    if len(fractional) != len(run.symbols):
        raise FrameError(f"it has {len(fractional)} positions for {len(run.symbols)} atoms")
    return Step(
        symbols=run.symbols,
        cell=cell,
        positions=fractional @ cell,
        energies=_energies(element, run, float(np.linalg.det(cell))),
        forces={} if forces is None else {"forces": _numbers(forces)},
    )


def _energies(element: ElementTree.Element, run: _Run, volume: float) -> dict[str, float]:
    last = element.findall("scstep/energy")[-1]
    stress = (run.number("PSTRESS") or 0.0) * 0.1 * GPa  # kbar
    free = _energy(element.find("energy"), "e_fr_energy") - abs(volume) * stress
    at_zero = free + _energy(last, "e_0_energy") - _energy(last, "e_fr_energy")
    return {"e_fr_energy": free, "e_0_energy": at_zero, "free_energy": free}


def _energy(element: ElementTree.Element | None, name: str) -> float:
    item = None if element is None else element.find(f"i[@name='{name}']")
    if item is None or item.text is None:
        raise FrameError(f"it has no {name}")
    return float(item.text)


def _rows(element: ElementTree.Element, path: str) -> np.ndarray | None:
    found = element.find(path)
    return None if found is None else _numbers(found)


def _numbers(element: ElementTree.Element) -> np.ndarray:
    return np.array([[float(word) for word in (row.text or "").split()] for row in element.findall("v")]).reshape(-1, 3)
