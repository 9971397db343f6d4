"""Files that engines read: kept in the database with the campaign, copied to where labels are computed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from campaign.planning.work import Work
from flows.failure import CalculationFailed, MachineTrouble
from flows.labelling.engines.given_files import root
from flows.labelling.engines.protocol import STAGE
from flows.labelling.engines.task import BornTask, LabelTask
from flows.labelling.sampling.settings import SweepTask
from launchers.farm import Farm

BRING = "campaign.submit:bring"


def enclosed(work: Work) -> tuple[tuple[str, str], ...]:
    """The kept files that a job reads: the sha256 of each, and where its copy is looked for."""
    task = work.task
    engine = task.engine if isinstance(task, LabelTask | SweepTask | BornTask) else None
    files = engine.given_files() if engine is not None else ()
    return tuple(dict.fromkeys(one for _, given in files for one in given.contents()))


def bring(farm: Farm, files: Iterable[Sequence[str]]) -> None:
    """On the machine of a job: that there are copies of its files.

    Raises:
        CalculationFailed: `bad-input`: the database lacks one.
        MachineTrouble: they cannot be written here.
    """
    for sha256, place in files:
        try:
            farm.copy_file(sha256, root() / place)
        except (FileNotFoundError, ValueError) as error:
            message, advice = f"{place.rpartition('/')[2]} cannot be had: {error}", "submit the campaign again from its YAML, then retry"
            raise CalculationFailed.of(STAGE, "bad-input", message, advice) from error
        except OSError as error:
            raise MachineTrouble(f"copies of files cannot be kept in {root()}: {error}") from error
