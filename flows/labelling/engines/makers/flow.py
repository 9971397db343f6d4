"""A job or a flow of a maker, run here and now: what its last job delivers."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ase import Atoms

_NOT_CONVERGED = "unconverged SCF"  # pymatgen's reader of CP2K says it in a warning alone


class JobFailedError(Exception):
    """A job raised, or one stopped those after it; the message is the last line of the reason."""


class UnconvergedError(Exception):
    """A program ended well without having converged."""


def delivered(maker: Any, atoms: Atoms, directory: Path) -> Any:
    """What `maker` makes of `atoms`: the output of its flow, where it has one, else of its last job; of what was replaced the last.

    Jobs run in `directory`, each in a folder of its own, and what they deliver is kept in memory.

    Raises:
        JobFailedError, UnconvergedError.
    """
    from jobflow import JobStore, run_locally
    from jobflow.core.reference import find_and_resolve_references
    from maggma.stores import MemoryStore

    store = JobStore(MemoryStore(), additional_stores={"data": MemoryStore()})
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            made = maker.make(structure_of(atoms))
            output = _output(made)
            run_locally(made, log=False, store=store, create_folders=True, root_dir=directory, raise_immediately=True)
        except Exception as error:  # whatever a job raises
            _refuse_unconverged(said)  # which may be why
            raise JobFailedError(traceback.format_exception_only(error)[-1].strip()) from error
    _refuse_unconverged(said)
    try:
        return find_and_resolve_references(output, store)
    except (ValueError, LookupError, AttributeError) as error:
        raise JobFailedError(f"its last job left no output, as where an earlier one stops those after it ({error})") from error


def structure_of(atoms: Atoms) -> Any:
    """As pymatgen has it, positions and cell alone, atoms in their order."""
    from pymatgen.core import Structure

    return Structure(atoms.cell.array, atoms.get_chemical_symbols(), atoms.positions, coords_are_cartesian=True)


def _refuse_unconverged(said: Iterable[warnings.WarningMessage]) -> None:
    for one in said:
        if _NOT_CONVERGED in str(one.message):
            raise UnconvergedError(str(one.message))


def _output(made: Any) -> Any:
    """The reference (or some, in a structure of lists and dicts) to the output of a job or a flow."""
    from jobflow import Flow

    if isinstance(made, Flow) and made.output is None:
        return _output(made.jobs[-1])
    return made.output
