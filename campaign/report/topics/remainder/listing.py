"""What of the work is not done: the seeds of a model, the structures of labels, phonons of a level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from campaign.planning.plan import Work
from campaign.planning.work import is_model
from campaign.report.harvest import Harvest
from campaign.report.titles import listed, title_of
from campaign.steering.status import State


def remainder(harvest: Harvest) -> Iterator[str]:
    """A line for each kind of work that is asked for and not done."""
    works = harvest.campaign.plan.work
    left: dict[str, list[tuple[Work, str]]] = {}
    for key, state in harvest.states.items():
        if state != State.DONE:
            left.setdefault(_kind(works[key]), []).append((works[key], state))
    lost = Counter(one.work.key for one in harvest.campaign.failures())
    for kind, found in left.items():
        yield f"{kind}: {_parts(found, lost)}"


def _kind(work: Work) -> str:
    match work.stage:
        case "label":
            levels, _, engine = work.model.partition(" by ")
            return f"label {listed(map(title_of, levels.split(', ')))} of {work.system} by {engine}"
        case "sample":
            return f"draw structures of {work.system} by MD with {title_of(work.model)}"
        case _ if not is_model(work.model):
            return f"{work.stage} of {title_of(work.model)} itself, {work.system}"
        case _:
            return f"{work.stage} {title_of(work.model)} of {work.system}, {work.size}"


def _parts(found: Iterable[tuple[Work, str]], lost: Mapping[str, int]) -> str:
    """`seed 861 (failed)`; of labels `6 structures (running), 1 label (failed)`; else the state."""
    counted: Counter[tuple[str, str]] = Counter()
    seeds, states = [], []
    for work, state in found:
        if work.stage == "label":
            failed = state == State.FAILED  # of a job that failed most labels may be there
            counted["label" if failed else "structure", state] += lost[work.key] if failed else work.count
        elif work.seed is not None:
            seeds.append(f"{work.seed} ({state})")
        else:
            states.append(state)
    numbers = [
        f"{count} {what}{'' if count == 1 else 's'} ({state})" for (what, state), count in counted.items()
    ]
    return ", ".join([*numbers, *([f"seed {', '.join(seeds)}"] if seeds else []), *states])
