"""Born charges that an engine computes, as a piece of work, and what a campaign asks for once they are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from campaign.planning.work import Work
from campaign.spec import ResolvedSpec
from campaign.spec.nac import mended
from flows.keys import digest
from flows.labelling.engines.protocol import BORN
from flows.labelling.engines.task import BornTask
from flows.phonons.settings import NacSettings
from flows.records import BornCharges


def born_work(spec: ResolvedSpec, system: str) -> Work | None:
    """That of `system`; None where it asks no engine for them."""
    cells = spec.systems[system]
    if cells.born is None:
        return None
    engine, asked = cells.engines[cells.born.engine], cells.born
    # what is beyond the bound is no record
    bound: dict[str, Any] = {} if asked.sum_rule_e is None else {"sum_rule_e": asked.sum_rule_e}
    key = digest("born", 1, structure=cells.primitive.key(), engine=engine.identity_of(BORN, False), **bound)
    task = BornTask(key=key, system=system, engine=engine, primitive=cells.primitive, **bound)
    return Work(key, "born", system, asked.engine, None, "", (), task)


def with_born(spec: ResolvedSpec, found: Mapping[str, BornCharges]) -> ResolvedSpec:
    """`spec` as if its user had given the charges that were `found`, by system."""
    systems = dict(spec.systems)
    for name, one in found.items():
        if (asked := systems[name].born) is not None:
            nac = NacSettings(born_charges=one.born_charges, dielectric=one.dielectric, method=asked.method)
            systems[name] = systems[name].model_copy(update={"nac": nac})
    return spec.model_copy(update={"systems": systems}) if found else spec


def as_asked(spec: ResolvedSpec) -> ResolvedSpec:
    """`spec` without what `with_born` has put in."""
    systems = {name: one.model_copy(update={"nac": None}) if one.born is not None else one for name, one in spec.systems.items()}
    return spec.model_copy(update={"systems": systems})


def mended_charges(found: Mapping[str, BornCharges]) -> Iterator[str]:
    """What was mended of charges, a sentence for each system where it was anything."""
    for name, one in found.items():
        if said := mended(one.missed_e, len(one.born_charges)):
            yield f"{name}: {said}"
