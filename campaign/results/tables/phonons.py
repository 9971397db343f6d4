"""Frequencies at the named points: the interval over the seeds, and every seed by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import hypot, isnan
from statistics import stdev
from typing import TYPE_CHECKING, Any

from campaign.results import unstable
from campaign.results.columns import Column, Table
from campaign.results.line import Line
from campaign.results.result import Result
from campaign.results.seeds import SharedVerdict, by_seeds
from campaign.results.tables.places import (
    KEY,
    LEARNED,
    MODEL,
    SEED,
    SIZE,
    SYSTEM,
    TITLE,
    VERDICT,
    place,
    verdict_notes,
)
from flows.records import PhononFacts

if TYPE_CHECKING:
    from campaign.results.outcomes import Outcomes

GAMMA = "Γ"
ACOUSTIC = 3
"""At Γ the lowest three modes, frequencies sorted, are the acoustic ones (of a stable crystal)."""

DEGENERATE_CM1 = 0.5
"""Neighbouring bands that are closer than this for every seed are shown as one mode."""

LINE_NOTE = (
    "line: without a model of the difference, by a straight line in E_base alone, the force constants of the base of "
    "the same seed times 1 + slope"
)

LEAST_ERROR_CM1 = 0.5
"""An error that rounds to zero is not shown."""

ERROR_NOTE = (
    "±: one standard error of sums with force constants: what the labels leave open of these, the cutoffs that do as well, "
    "what displacements as large as those of the labels may hide, and the spread of the base over its seeds; with one seed, the base's is not in it"
)

Group = list[Result[PhononFacts]]
Frequencies = Sequence[float]


def _point_rows(campaign: Outcomes) -> Iterator[dict[str, Any]]:
    lines = campaign.lines()
    for one in campaign.frequencies():
        line = lines.get(one.work.key)
        common = {**place(one.work), "learned": one.record.learned, "verdict": one.record.verdict, **unstable.facts(one.record)}
        for point, frequencies in one.record.points_cm1.items():
            errors = one.record.point_errors_cm1.get(point)
            for band, frequency in enumerate(frequencies, start=1):
                yield {
                    **common,
                    "point": point,
                    "band": band,
                    "frequency_cm1": frequency,
                    "error_cm1": errors[band - 1] if errors else None,
                    "line_cm1": line.points_cm1[point][band - 1] if line is not None else None,
                    "gamma_optical": _is_optical(point, band),
                }


def _spread_rows(campaign: Outcomes) -> Iterator[dict[str, Any]]:
    """Point by point, so that the models stand below each other."""
    asked = Counter((work.system, work.model, work.size) for work in campaign.layout.of_stage("phonons"))
    lines_by_key = campaign.lines()
    for group in by_seeds(campaign.frequencies()):
        first = group[0].work
        common = _of_group(group, asked[first.system, first.model, first.size])
        lines = lines_of(lines_by_key, group)
        for point in group[0].record.points_cm1:
            seeds = [one.record.points_cm1[point] for one in group]
            said = [one.record.point_errors_cm1.get(point, ()) for one in group]
            of_lines = [line.points_cm1[point] for line in lines]
            for modes in degenerate(seeds):
                yield {**common, "point": point, **_spread(point, seeds, said, modes), **_line(of_lines, modes)}


def _of_group(group: Group, planned: int) -> dict[str, Any]:
    """What all points of a model share."""
    facts = place(group[0].work)
    shared = SharedVerdict.of([one.record for one in group])
    return {name: facts[name] for name in ("system", "model", "title", "size")} | {
        "seed_count": len(group),
        "planned_seed_count": planned,
        "learned": shared.learned,
        "learned_seed_count": shared.learned_seeds,
        "verdict": shared.verdict,
        **unstable.facts(unstable.worst(one.record for one in group)),
    }


def _spread(point: str, seeds: Sequence[Frequencies], said: Sequence[Frequencies], modes: range) -> dict[str, Any]:
    """The seed spread of a mode: of a degenerate one, of the mean of its bands; `said` are the errors of the seeds."""
    means = _means(seeds, modes)
    first, last = modes[0] + 1, modes[-1] + 1
    return {
        "bands": str(first) if first == last else f"{first}-{last}",
        "degeneracy": len(modes),
        "min_cm1": min(means),
        "max_cm1": max(means),
        "mean_cm1": sum(means) / len(means),
        "spread_cm1": max(means) - min(means),
        "error_cm1": joined_error(said, modes, means),
        "gamma_optical": _is_optical(point, first),
    }


def _means(frequencies: Sequence[Frequencies], modes: range) -> list[float]:
    """Of each seed, over the bands of a mode."""
    start, stop, count = modes.start, modes.stop, len(modes)
    return [sum(one[start:stop]) / count for one in frequencies]


def joined_error(said: Sequence[Sequence[float]], modes: Iterable[int], means: Sequence[float]) -> float | None:
    """One standard error of a mode of a sum with force constants: the largest that its seeds have `said` of its bands, joined
    with the standard deviation of its `means` over the seeds, which differ in the base alone; None of other models."""
    known = [errors[band] for errors in said if errors for band in modes]
    if not known:
        return None
    return hypot(max(known), stdev(means) if len(means) > 1 else 0.0)


def lines_of(known: Mapping[str, Line], group: Sequence[Result[PhononFacts]]) -> list[Line]:
    """What a straight line in E_base gives with every seed of a sum; nothing where a seed has no such line."""
    found = [known[one.work.key] for one in group if one.work.key in known]
    return found if len(found) == len(group) else []


def _line(lines: Sequence[Frequencies], modes: range) -> dict[str, Any]:
    """As `_spread`, of the lines."""
    means = _means(lines, modes)
    return {"line_min_cm1": min(means), "line_max_cm1": max(means)} if means else {}


def degenerate(seeds: Sequence[Sequence[float]]) -> list[range]:
    """Bands, from 0, of one point that belong together: each as close to the next as `DEGENERATE_CM1`, for all seeds.

    `seeds` holds sorted frequencies in cm^-1, (seeds, bands).
    """
    count = len(seeds[0])
    splits = [
        band for band in range(1, count) if any(one[band] - one[band - 1] > DEGENERATE_CM1 for one in seeds)
    ]
    return [range(start, end) for start, end in pairwise([0, *splits, count])]


def _is_optical(point: str, band: int) -> bool:
    # with LO-TO splitting in a crystal that is not cubic there is a Γ for each direction: Γ→A
    return point.startswith(GAMMA) and band > ACOUSTIC


def _modes_in_one(frame: Any) -> Any:
    """For a terminal: one line per point and model, all modes in it; points first, models below each other."""
    keys = ["system", "size", "point", "model"]
    lines = []
    for _, rows in frame.groupby(keys, sort=False):
        one = rows.iloc[0].to_dict()
        one["seeds"] = f"{one['seed_count']}/{one['planned_seed_count']}"
        one["modes"] = "  ".join(_mode_text(row) for row in rows.itertuples())
        one["line"] = "  ".join(interval(row.line_min_cm1, row.line_max_cm1) for row in rows.itertuples()) or None
        lines.append(one)
    shown = type(frame)(lines, columns=[*frame.columns, "seeds", "modes", "line"])
    for key in reversed(keys[:3]):  # stable: models keep the order of the plan
        order = {value: position for position, value in enumerate(dict.fromkeys(shown[key]))}
        shown = shown.sort_values(key, key=lambda values, order=order: values.map(order), kind="stable")
    return shown


def _mode_text(row: Any) -> str:
    text = interval(row.min_cm1, row.max_cm1)
    text += f"±{row.error_cm1:.0f}" if row.error_cm1 >= LEAST_ERROR_CM1 else ""
    text += f"×{row.degeneracy}" if row.degeneracy > 1 else ""
    return f"[bold]{text}[/]" if row.gamma_optical and row.learned else text


def interval(low: float, high: float) -> str:
    """`1290…1310` in cm^-1; one number where they do not differ as shown, nothing where there is none."""
    if isnan(low):
        return ""
    least, most = f"{low:z.0f}", f"{high:z.0f}"
    return least if least == most else f"{least}…{most}"


def _notes(frame: Any) -> list[str]:
    notes = [
        "cm^-1, smallest…largest over the seeds; ×n: n-fold; bold: the optical mode at Γ; imag: imaginary modes, of those on the mesh, of the worst seed"
    ]
    if frame["error_cm1"].notna().any():
        notes.append(ERROR_NOTE)
    if frame["line_min_cm1"].notna().any():
        notes.append(LINE_NOTE)
    lost = frame[~frame["learned"]].drop_duplicates(["system", "model", "size"]).itertuples()
    reasons = (
        f"not learned with {row.seed_count - row.learned_seed_count} of {row.seed_count} seeds: {row.title} of "
        f"{row.system}, {row.size}: {row.verdict}; its spread says nothing about its error"
        for row in lost
    )
    return [*notes, *reasons]


def _point_notes(frame: Any) -> list[str]:
    lost = frame[~frame["learned"]].drop_duplicates(["system", "model", "size", "seed"]).itertuples()
    return verdict_notes((f"{row.title} of {row.system}, {row.size}", row.seed, row.verdict) for row in lost)


_POINT = Column("point", header="q")
_IMAGINARY = Column("imaginary", header="imag")
_COUNTED = (Column("imaginary_count", "int"), Column("mode_count", "int"), Column("lowest_cm1", "float"))
_OPTICAL = Column("gamma_optical", "bool")

PHONONS = Table(
    "phonons",
    "frequencies at the named points by model, smallest to largest over the seeds",
    (
        *(SYSTEM, SIZE, MODEL, TITLE, LEARNED, VERDICT),
        Column("seed_count", "int"),
        Column("planned_seed_count", "int"),
        Column("learned_seed_count", "int"),
        _POINT,
        Column("bands"),
        Column("degeneracy", "int"),
        *(Column(f"{name}_cm1", "float") for name in ("min", "max", "mean", "spread", "error", "line_min", "line_max")),
        _OPTICAL,
        *(_IMAGINARY, *_COUNTED),
    ),
    _spread_rows,
    view=_modes_in_one,
    view_columns=(
        *(SYSTEM, SIZE, _POINT, TITLE),
        Column("seeds", header="seeds"),
        Column("modes", "markup", header="modes cm^-1", least=28),
        Column("line", header="line cm^-1", least=12),
        _IMAGINARY,
    ),
    notes=_notes,
)

POINTS = Table(
    "points",
    "every frequency at the named points, seed by seed",
    (
        *(SYSTEM, SIZE, MODEL, TITLE, SEED, LEARNED, VERDICT),
        _POINT,
        Column("band", "int", "band"),
        Column("frequency_cm1", "float", "cm^-1", 1),
        Column("error_cm1", "float", "±\ncm^-1", 1),
        Column("line_cm1", "float", "line\ncm^-1", 1),
        _OPTICAL,
        *(_IMAGINARY, *_COUNTED),
        KEY,
    ),
    _point_rows,
    notes=_point_notes,
)
