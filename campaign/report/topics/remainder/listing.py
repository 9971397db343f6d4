"""What of the work is not done: the seeds of a model, labels, phonons of a level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from campaign.planning.plan import Work
from campaign.planning.work import is_model
from campaign.report.harvest import Harvest
from campaign.report.titles import listed, title_of
from campaign.steering.progress import counted, counting
from campaign.steering.status import State, Status


def remainder(harvest: Harvest) -> Iterator[str]:
    """A line for each kind of work that is asked for and not done."""
    works = harvest.campaign.plan.work
    left: dict[str, list[tuple[Work, str]]] = {}
    for key, state in harvest.states.items():
        if state != State.DONE:
            left.setdefault(_kind(works[key]), []).append((works[key], state))
    for kind, found in left.items():
        yield f"{kind}: {_parts(found, harvest.campaign.status)}"


def _kind(work: Work) -> str:
    match work.stage:
        case "label":
            levels, _, engine = work.model.partition(" by ")
            return f"label {listed(map(title_of, levels.split(', ')))} of {work.system} by {engine}"
        case "born":
            return f"Born charges of {work.system} by {work.model}"
        case "sample":
            return f"draw structures of {work.system} by MD with {title_of(work.model)}"
        case _ if not is_model(work.model):
            return f"{work.stage} of {title_of(work.model)} itself, {work.system}"
        case _:
            return f"{work.stage} {title_of(work.model)} of {work.system}, {work.size}"


def _parts(found: Iterable[tuple[Work, str]], status: Status) -> str:
    """`seed 861 (failed)`; of labels `6 labels (running), 1 label (failed)`; else the state."""
    labels: Counter[State] = Counter()
    seeds, states = [], []
    for work, state in found:
        if work.parts:
            labels += counted(status, work)  # of a job that is not done most labels may be there
        elif work.seed is not None:
            seeds.append(f"{work.seed} ({state})")
        else:
            states.append(state)
    numbers = [f"{counting(count, 'label')} ({state})" for state, count in labels.items() if state is not State.DONE]
    return ", ".join([*numbers, *([f"seed {', '.join(seeds)}"] if seeds else []), *states])
