"""Models less what is known of their level itself, by point and band, with the seed that lies apart from the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from campaign.planning.work import is_model
from campaign.references.user_files import user_references
from campaign.results.columns import Column, Table
from campaign.results.outlier import outlier
from campaign.results.result import Result
from campaign.results.seeds import SharedVerdict, by_seeds
from campaign.results.tables.frozen import optical_cm1
from campaign.results.tables.phonons import ACOUSTIC, DEGENERATE_CM1, GAMMA, degenerate
from campaign.results.tables.places import LEARNED, MODEL, SIZE, SYSTEM, TITLE, VERDICT, place
from flows.records import PhononFacts
from flows.training.names import ModelName

if TYPE_CHECKING:
    from campaign.results.outcomes import Outcomes

    Group = list[Result[PhononFacts]]


@dataclass(frozen=True)
class _Reference:
    """Frequencies of a level itself by the label of a point; of a frozen phonon the optical mode at Γ alone."""

    name: str
    points_cm1: Mapping[str, Sequence[float]]
    frozen: bool = False


def _rows(campaign: Outcomes) -> Iterator[dict[str, Any]]:
    known = _references(campaign)
    for group in by_seeds(one for one in campaign.frequencies() if is_model(one.work.model)):
        work, name = group[0].work, ModelName.parse(group[0].work.model)
        composite = name.kind == "sum" and len(campaign.spec.chains.top(name.level)) > 1
        for one in known.get((work.system, name.level), ()):
            if one.frozen or not composite:  # what a composite stands for has no phonons of its own
                yield from _compared(group, one)


def _references(campaign: Outcomes) -> dict[tuple[str, str], list[_Reference]]:
    """By system and level: its own phonons by its engine, those of a file of the user, its frozen phonon."""
    found: dict[tuple[str, str], list[_Reference]] = {}
    for one in campaign.frequencies():
        if not is_model(one.work.model):
            found.setdefault((one.work.system, one.work.model), []).append(_Reference("phonons of its engine", one.record.points_cm1))
    for name, cells in campaign.spec.systems.items():
        if cells.reference:
            given = user_references(name, cells, campaign.spec.phonons, campaign.farm.read_file)
            for level, record in given.levels.items():
                found.setdefault((name, level), []).append(_Reference(record.source or "a file", record.points_cm1))
    for frozen in campaign.frozen_phonons():
        own = _Reference("frozen phonon", {GAMMA: (frozen.phonon.frequency_cm1,)}, frozen=True)
        found.setdefault((frozen.system, frozen.level), []).append(own)
    return found


def _compared(group: Group, reference: _Reference) -> Iterator[dict[str, Any]]:
    facts, shared = place(group[0].work), SharedVerdict.of([one.record for one in group])
    common = {name: facts[name] for name in ("system", "model", "title", "size")} | {
        "reference": reference.name,
        "seed_count": len(group),
        "learned": shared.learned,
        "verdict": shared.verdict,
    }
    for point, own in reference.points_cm1.items():
        if reference.frozen:
            values = [optical_cm1(one.record.points_cm1) for one in group]
            yield common | {"point": point, "bands": "optical", "degeneracy": None} | _off(group, values, own[0])
        elif all(len(one.record.points_cm1.get(point, ())) == len(own) for one in group):
            for modes in degenerate([own]):
                values = [_mean(one.record.points_cm1[point], modes) for one in group]
                yield common | {"point": point, **_bands(modes)} | _off(group, values, _mean(own, modes))


def _bands(modes: range) -> dict[str, Any]:
    first, last = modes[0] + 1, modes[-1] + 1
    return {"bands": str(first) if first == last else f"{first}-{last}", "degeneracy": len(modes)}


def _mean(frequencies: Sequence[float], modes: range) -> float:
    return sum(frequencies[band] for band in modes) / len(modes)


def _off(group: Group, values: Sequence[float], reference_cm1: float) -> dict[str, Any]:
    """Frequencies are compared in their order: where bands of model and reference cross, it is of two different modes."""
    off = [value - reference_cm1 for value in values]
    apart = outlier(values, DEGENERATE_CM1)
    return {
        "reference_cm1": reference_cm1,
        "mean_off_cm1": sum(off) / len(off),
        "min_off_cm1": min(off),
        "max_off_cm1": max(off),
        "outlier_seed": group[apart.number].work.seed if apart is not None else None,
        "outlier_off_cm1": off[apart.number] if apart is not None else None,
        "outlier_gap_cm1": apart.gap if apart is not None else None,
    }


def _at_rest(frame: Any) -> Any:
    """For a terminal: without the translations, which are zero of both."""
    translations = (frame["point"] == GAMMA) & (frame["bands"] == f"1-{ACOUSTIC}") & (frame["reference_cm1"].abs() < DEGENERATE_CM1)
    return frame[~translations]


def _notes(frame: Any) -> Iterator[str]:
    yield (
        "model less reference, of the same level, bands in the order of their frequencies, modes that are degenerate in the reference "
        "as one; smallest and largest over the seeds; outlier: the seed that lies apart from the others by Dixon's Q test at 95 % (of "
        f"three seeds or more, by {DEGENERATE_CM1:g} cm^-1 at least): of twenty modes one will be called so by chance"
    )
    lost = frame[~frame["learned"]].drop_duplicates(["system", "model", "size"]).itertuples()
    yield from (f"not learned: {row.title} of {row.system}, {row.size}: {row.verdict}" for row in lost)


REFERENCE = Table(
    "reference",
    "models less phonons of their level itself, by point and band, and the seed that is an outlier",
    (
        *(SYSTEM, SIZE, MODEL, TITLE, LEARNED, VERDICT),
        Column("reference", header="reference", least=12),
        Column("seed_count", "int", "seeds"),
        Column("point", header="q"),
        Column("bands", header="bands"),
        Column("degeneracy", "int"),
        Column("reference_cm1", "float", "ref.\ncm^-1", 1),
        Column("mean_off_cm1", "float", "off by\ncm^-1", 1),
        Column("min_off_cm1", "float", "least\ncm^-1", 1),
        Column("max_off_cm1", "float", "most\ncm^-1", 1),
        Column("outlier_seed", "int", "outlier"),
        Column("outlier_off_cm1", "float", "off by\ncm^-1", 1),
        Column("outlier_gap_cm1", "float"),
    ),
    _rows,
    view=_at_rest,
    view_columns=(
        *(SYSTEM, SIZE, TITLE),
        Column("reference", header="reference", least=12),
        Column("point", header="q"),
        Column("bands", header="bands"),
        Column("reference_cm1", "float", "ref.\ncm^-1", 0),
        Column("mean_off_cm1", "float", "off by\ncm^-1", 1),
        Column("min_off_cm1", "float", "least\ncm^-1", 1),
        Column("max_off_cm1", "float", "most\ncm^-1", 1),
        Column("outlier_seed", "int", "outlier\nseed"),
        Column("outlier_off_cm1", "float", "off by\ncm^-1", 1),
    ),
    notes=lambda frame: list(_notes(frame)) if len(frame) else [],
)
