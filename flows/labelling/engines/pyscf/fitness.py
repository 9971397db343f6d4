"""Whether PySCF can do at all what it is asked: known from tables in milliseconds, before a structure is computed.

Each answer is a key of the settings and why its value does not do. `pyscf_chain` refuses the same for each structure.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.labelling.engines.pyscf.memory import Size, needed_GB

if TYPE_CHECKING:
    from ase import Atoms

    from flows.labelling.engines.pyscf.method import PySCFMethod

Trouble = tuple[str, str]  # a key of the settings, and what is wrong with its value


def troubles(settings: PySCFMethod, atoms: Atoms, levels: Iterable[str]) -> tuple[Trouble, ...]:
    """What `settings` lack for `levels` of cells such as `atoms`; nothing where PySCF is not installed."""
    try:
        import pyscf.pbc.gto  # noqa: F401
    except ImportError:
        return ()
    asked = list(levels)
    found = list(_of_functional(settings)) if "dft" in asked else []
    found += _of_basis(settings, atoms)
    for name in dict.fromkeys(settings.pseudo_of(level) for level in asked):
        found += _of_pseudopotential(settings, name, [one for one in asked if settings.pseudo_of(one) == name], atoms)
    return tuple(found) or tuple(_of_size(settings, atoms, asked))


def _of_functional(settings: PySCFMethod) -> Iterator[Trouble]:
    if trouble := functional_trouble(settings.libxc_name()):
        yield "functional", ": ".join(trouble)


def functional_trouble(name: str) -> tuple[str, str] | None:
    """Why there are no forces of the functional `name` at Γ, and what to do; None where there are."""
    from pyscf.dft import libxc

    try:
        usable = libxc.xc_type(name) in ("LDA", "GGA") and not libxc.is_hybrid_xc(name)
    except (KeyError, ValueError, AttributeError):
        return f"PySCF knows no functional {name!r}", "use a name of libxc"
    return None if usable else (f"{name} is neither an LDA nor a GGA", "no other has forces at Γ")


def _of_file(name: str) -> str:
    """Why the path of a file does not stand for a table; empty where it is none."""
    if os.sep not in name or not os.path.isfile(name):
        return ""
    return f"{name} is a file: what it holds is in no key, so another under this path would silently get its labels; name a table of PySCF"


def _of_basis(settings: PySCFMethod, atoms: Atoms) -> Iterator[Trouble]:
    from pyscf.pbc.gto.basis import ALIAS, load

    if why := _of_file(settings.basis):
        yield "basis", why
        return
    missing = _missing(load, settings.basis, atoms)
    if missing:
        yield "basis", f"PySCF has no {settings.basis} for {', '.join(missing)}{_nearest(settings.basis, ALIAS)}"


def _of_pseudopotential(
    settings: PySCFMethod, name: str, levels: list[str], atoms: Atoms
) -> Iterator[Trouble]:
    from pyscf.pbc.gto.pseudo import ALIAS, load

    key = ("pseudo_dft" if settings.pseudo_dft else "functional") if levels == ["dft"] else "pseudo"
    if why := _of_file(name):
        yield key, why
        return
    missing = _missing(load, name, atoms)
    if not missing:
        return
    others = [other for other in ALIAS if not _missing(load, other, atoms)]
    advice = f"; there is {', '.join(map(_written, others))} (another pseudopotential is another method)" if others else ""
    about = f"PySCF has no pseudopotential {name} for {', '.join(missing)}, which {', '.join(levels)} would need"
    yield key, f"{about}{_nearest(name, ALIAS) or advice}"


def _of_size(settings: PySCFMethod, atoms: Atoms, levels: list[str]) -> Iterator[Trouble]:
    """Closed shells, empty orbitals and memory of a cell whose elements are all known."""
    functions = sum(_functions(settings.basis, symbol) for symbol in atoms.symbols)
    for level in levels:
        electrons = sum(_valence(settings.pseudo_of(level), symbol) for symbol in atoms.symbols)
        if electrons % 2:
            yield "basis", f"{len(atoms)} atoms have {electrons} valence electrons: only closed shells are computed; take another cell"
            return
        size = Size(functions, electrons // 2, _points(settings, atoms, level))
        if level not in ("dft", "hf") and not size.empty:
            yield "basis", f"{level} needs empty orbitals, and {settings.basis} has none for these elements: take a larger one"
            return
        needed = needed_GB(level, size)
        if needed > settings.max_memory_GB:
            about = f"{level} of {len(atoms)} atoms, {functions} functions and {size.points} mesh points needs {needed:.3g} GB"
            yield "max_memory_GB", f"{about}, and {settings.max_memory_GB:.3g} are allowed: raise it where the machine has them"
            return


def _points(settings: PySCFMethod, atoms: Atoms, level: str) -> int:
    from ase.units import Bohr

    mesh = settings.mesh_of(level, atoms.cell.array / Bohr)
    return 0 if mesh is None else int(np.prod(mesh))


def _missing(load: Callable[[str, str], Any], name: str, atoms: Atoms) -> list[str]:
    """The elements that a table of PySCF lacks."""
    return [symbol for symbol in dict.fromkeys(atoms.symbols) if _loaded(load, name, symbol) is None]


def _loaded(load: Callable[[str, str], Any], name: str, symbol: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it advises to install another package
            return load(name, symbol)
    except (RuntimeError, KeyError, ValueError):  # its own is a RuntimeError
        return None


def _functions(basis: str, symbol: str) -> int:
    """Of one atom: 2l + 1 for each contraction of a shell [l, [exponent, coefficients...], ...]."""
    from pyscf.pbc.gto.basis import load

    return sum((2 * shell[0] + 1) * (len(shell[-1]) - 1) for shell in _loaded(load, basis, symbol))


def _valence(pseudo: str, symbol: str) -> int:
    """Electrons of one atom outside of its pseudopotential, which begins with those of s, p, d, ..."""
    from pyscf.pbc.gto.pseudo import load

    return int(sum(_loaded(load, pseudo, symbol)[0]))


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    from difflib import get_close_matches

    squeezed = "".join(filter(str.isalnum, name))
    if squeezed in known:
        return ""
    close = get_close_matches(squeezed, known, n=1)
    return f"; did you mean {_written(close[0])}?" if close else ""


def _written(alias: str) -> str:
    """`gth-szv-molopt-sr` of PySCF's `gthszvmoloptsr`."""
    for part in ("gth", "aug", "cc", "molopt", "sr", "rev"):
        alias = alias.replace(part, f"-{part}-")
    return "-".join(filter(None, alias.split("-")))
