"""How the program of a step is run: VASP under custodian where it iterates, all else once and as it is.

Of the steps that do not iterate custodian does not know what is right: they make one cycle (NELM = 1), which it takes for unconverged; they are silent for
hours, which it takes for frozen; and what it changes (ALGO, NBANDS, the WAVECAR) is what is asked for. The INCAR that it writes has `ALGO = Cc4s`.
"""

from __future__ import annotations

from pathlib import Path

from flows.labelling.engines import program
from flows.labelling.engines.vasp.ending import Ended


def once(words: list[str], folder: Path) -> Ended:
    """Raises: OSError: it cannot be started."""
    return Ended(program.run(words, folder))


def under_custody(most_corrections: int, words: list[str], folder: Path) -> Ended:
    """Raises: OSError: it cannot be started."""
    from flows.labelling.engines.vasp import custody

    return custody.run(words, folder, most_corrections)
