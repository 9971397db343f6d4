"""Models and levels whose phonons are unstable, and what is known of the level that a model stands for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import LabelRequests, label_requests
from campaign.planning.work import Work, is_model, shown
from campaign.records.outputs import fields
from campaign.results import unstable
from campaign.results.frozen import frozen_results
from campaign.spec import ResolvedSpec
from campaign.steering.status import State, Status
from flows.keys import job_uuid
from flows.records import PhononFacts, UnstableModes
from flows.training.names import ModelName, level_title
from launchers.farm import Farm


@dataclass(frozen=True)
class Instability:
    """Unstable phonons of a model, of some of its `seeds`, or of a level itself (no size, no seeds).

    `lowest_cm1` is the lowest frequency (negative: imaginary), of `worst_seed`; `itself` says in words how it is with the
    level that a model stands for. `stage` is `phonons`, `hessian` (in the cell of the MD) or `frozen`.
    """

    stage: str
    system: str
    model: str
    size: str
    lowest_cm1: float
    worst_seed: int | None = None
    seeds: tuple[int, ...] = ()
    seed_count: int = 0
    itself: str = ""

    def text(self) -> str:
        """For a user."""
        lowest = f"lowest {self.lowest_cm1:z.0f} cm^-1"
        if self.stage == "frozen":
            return f"{level_title(self.model)} of {self.system} itself, by its frozen phonon at Γ: {lowest}"
        if not self.seeds:
            return f"{level_title(self.model)} of {self.system} itself, by phonons of its own: {lowest}"
        where = " in the cell of the MD" if self.stage == "hessian" else ""
        of = f"{len(self.seeds)} of {self.seed_count} seed{'' if self.seed_count == 1 else 's'}"
        return f"{shown(self.model)} of {self.system}, {self.size}{where}: {of}, {lowest} (seed {self.worst_seed}); {self.itself}"

    def as_facts(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Lowest:
    """What is asked of phonons: whether they are unstable, and the lowest frequency."""

    work: Work
    unstable: bool
    cm1: float


def instabilities(farm: Farm, spec: ResolvedSpec, status: Status) -> list[Instability]:
    """Levels first, then models, as far as their phonons are there."""
    done = [work for work in status.of(State.DONE) if work.stage in ("phonons", "hessian")]
    found = list(_lowest(farm, done))
    direct = {(one.work.system, one.work.model): one for one in found if not is_model(one.work.model)}
    frozen = {
        (system, one.level): one.phonon.frequency_cm1
        for system, asked in _requests(spec, status).items()
        for one in frozen_results(farm, spec, system, asked)
    }
    levels = [Instability("phonons", *place, "", one.cm1) for place, one in direct.items() if one.unstable]
    levels += [Instability("frozen", *place, "", cm1) for place, cm1 in frozen.items() if cm1 < unstable.NOISE_CM1]
    # what a composite stands for has no phonons of its own
    direct = {place: one for place, one in direct.items() if len(spec.chains.top(place[1])) == 1}
    return levels + [_of_model(seeds, direct, frozen) for seeds in _models(found) if any(one.unstable for one in seeds)]


def _requests(spec: ResolvedSpec, status: Status) -> Mapping[str, LabelRequests]:
    """A plan that was kept has none: frozen phonons are known from the spec alone."""
    if status.plan.requests:
        return status.plan.requests
    frozen = [name for name, cells in spec.systems.items() if cells.frozen_phonon is not None]
    return {name: label_requests(spec, name, Knowledge()) for name in frozen}


def _lowest(farm: Farm, works: Iterable[Work]) -> Iterator[_Lowest]:
    """Without bands and densities of states; records of before version 0.2 have to be read whole."""
    by_key = {work.key: work for work in works}
    found = fields(farm, by_key, "unstable")
    old = farm.records(job_uuid(key) for key, one in found.items() if one["unstable"] is None)
    for key, work in by_key.items():
        if (record := old.get(job_uuid(key))) is not None:
            facts = PhononFacts.model_validate(record)
            yield _Lowest(work, unstable.is_unstable(facts), unstable.lowest_cm1(facts))
        elif key in found:
            modes = UnstableModes.model_validate(found[key]["unstable"])
            yield _Lowest(work, modes.count > 0, modes.lowest_cm1)


def _models(found: Iterable[_Lowest]) -> Iterable[list[_Lowest]]:
    """The seeds of a model and size together."""
    groups: dict[tuple[str, ...], list[_Lowest]] = {}
    for one in found:
        if is_model(one.work.model):
            work = one.work
            groups.setdefault((work.stage, work.system, work.model, work.size), []).append(one)
    return groups.values()


def _of_model(
    seeds: list[_Lowest], direct: Mapping[tuple[str, str], _Lowest], frozen: Mapping[tuple[str, str], float]
) -> Instability:
    worst = min(seeds, key=lambda one: one.cm1)
    work = worst.work
    return Instability(
        work.stage,
        work.system,
        work.model,
        work.size,
        worst.cm1,
        work.seed,
        tuple(one.work.seed for one in seeds if one.unstable and one.work.seed is not None),
        len(seeds),
        _itself(work, direct, frozen),
    )


def _itself(work: Work, direct: Mapping[tuple[str, str], _Lowest], frozen: Mapping[tuple[str, str], float]) -> str:
    """What is known of the level that a model stands for."""
    level = ModelName.parse(work.model).level
    own, at_gamma = direct.get((work.system, level)), frozen.get((work.system, level))
    known = []
    if own is not None:
        known.append(f"{'un' if own.unstable else ''}stable by phonons of its own, lowest {own.cm1:z.0f} cm^-1")
    if at_gamma is not None:
        known.append(f"{at_gamma:z.0f} cm^-1 at Γ by its frozen phonon{'' if own is not None else ', elsewhere not known'}")
    return f"{level_title(level)} itself: {'; '.join(known) or 'not known, it has neither phonons of its own nor a frozen phonon'}"
