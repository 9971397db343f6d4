"""How well each model, and each sum of two, reproduces its labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from campaign.results.columns import Column, Table
from campaign.results.result import Result
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
from flows.records import Errors, SummedModel, TrainedModelFacts

if TYPE_CHECKING:
    from campaign.results.outcomes import Outcomes

SPLITS = ("train", "valid", "test")


def _rows(campaign: Outcomes) -> Iterator[dict[str, Any]]:
    """System by system in the order of the plan, first the models, then their sums."""
    found: dict[str, dict[str, Any]] = {one.work.key: _trained(one) for one in campaign.verdicts()}
    found.update((one.work.key, _summed(one)) for one in campaign.sums())
    systems = list(campaign.spec.systems)
    works = [work for key, work in campaign.layout.work.items() if key in found]
    works.sort(key=lambda work: (systems.index(work.system), work.stage == "sum"))
    return (found[work.key] for work in works)


def _trained(one: Result[TrainedModelFacts]) -> dict[str, Any]:
    record = one.record
    return {
        **place(one.work),
        **_errors(record.errors),
        **_baseline(record),
        **{f"{split}_count": getattr(record, f"{split}_count") for split in SPLITS},
        **{
            name: getattr(record, name)
            for name in ("learned", "verdict", "best_epoch", "device", "wall_time_s")
        },
        "rms_delta_force_meV_A": record.rms_delta_force_meV_A,
        "resumed": bool(record.resumed_from_epochs),
        "resumed_from_epochs": " ".join(map(str, record.resumed_from_epochs)) or None,
    }


def _summed(one: Result[SummedModel]) -> dict[str, Any]:
    """A sum was not trained: it has errors and a verdict, no epochs and no time of its own."""
    errors = one.record.errors
    return {
        **place(one.work),
        **_errors(errors),
        **{f"{split}_count": errors[split].count if split in errors else 0 for split in SPLITS},
        "learned": one.record.learned,
        "verdict": one.record.verdict,
        "resumed": False,
    }


def _errors(errors: Mapping[str, Errors]) -> dict[str, Any]:
    from flows.training.verdict import held_out

    found: dict[str, Any] = {"held_out": held_out(errors) if len(errors) > 1 else None}
    for split, error in errors.items():
        found[f"{split}_energy_meV_atom"] = error.energy_meV_atom
        found[f"{split}_force_meV_A"] = error.force_meV_A
    return found


def _baseline(record: TrainedModelFacts) -> dict[str, Any]:
    """What a constant and a straight line reach where the model is judged, and how much better it is."""
    from flows.training.verdict import held_out

    split = held_out(record.errors)
    for baseline in record.baselines:
        if baseline.split == split:
            line = baseline.line_meV_atom
            return {
                "constant_meV_atom": baseline.constant_meV_atom,
                "line_meV_atom": line,
                "line_slope": record.line_slope,
                "rmse_over_line": record.errors[split].energy_meV_atom / line if line > 0 else None,
            }
    return {}


def _counts_in_one(frame: Any) -> Any:
    """For a terminal: the three counts as one column, the force error of the split that judges as another."""
    shown = frame.copy()
    shown["counts"] = [f"{row.train_count}/{row.valid_count}/{row.test_count}" for row in frame.itertuples()]
    shown["force_meV_A"] = frame["test_force_meV_A"].fillna(frame["valid_force_meV_A"])
    return shown


def _notes(frame: Any) -> list[str]:
    notes = [
        "E: RMSE of the energy; F: RMSE of the forces, and line: RMSE of a straight line in E_base that was fitted to "
        "train, of test, else of valid, which also chose the epoch"
    ]
    lost = frame[~frame["learned"]].itertuples()
    return notes + verdict_notes(
        (f"{row.title} of {row.system}, {row.size}", row.seed, row.verdict) for row in lost
    )


_ERRORS = tuple(
    Column(f"{split}_{quantity}", "float", header and f"{header} {split}\nmeV/at")
    for quantity, header in (("energy_meV_atom", "E"), ("force_meV_A", None))
    for split in SPLITS
)
_BASELINES = (
    Column("constant_meV_atom", "float"),
    Column("line_meV_atom", "float", "line\nmeV/at"),
    Column("line_slope", "float"),
    Column("rmse_over_line", "float", "E/\nline"),
    Column("rms_delta_force_meV_A", "float", "|ΔF|\nmeV/Å", 1),
    Column("best_epoch", "int", "epoch"),
)
_WALL = Column("wall_time_s", "float", "time\ns", 0)

TRAINING = Table(
    "training",
    "errors of every model and sum, the baselines of differences, and the verdict",
    (
        *(SYSTEM, MODEL, TITLE, SIZE, SEED, LEARNED, VERDICT),
        *(Column(f"{split}_count", "int") for split in SPLITS),
        *_ERRORS,
        Column("held_out"),
        *_BASELINES,
        Column("resumed", "bool"),
        Column("resumed_from_epochs"),
        _WALL,
        Column("device"),
        KEY,
    ),
    _rows,
    view=_counts_in_one,
    view_columns=(
        *(SYSTEM, TITLE, SIZE, SEED),
        Column("counts", header="train/\nvalid/test"),
        *_ERRORS,
        Column("force_meV_A", "float", "F\nmeV/Å", 1),
        *_BASELINES,
        _WALL,
    ),
    notes=_notes,
)
