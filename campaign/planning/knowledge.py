"""What is known of a campaign beyond its spec: what `plan` reads beside it. Plain data, gathered elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from flows.faults import Fault
from flows.records import BornCharges, Failure, Forecast, LabelSet, Structure, Sweep


@dataclass(frozen=True)
class Knowledge:
    """Records by system, and of the labels that engines compute what has become of each, by key.

    `label_sets` are those of published files, and those of engines once nothing of them is open. `structures`
    are those of published labels, by their keys, where engines are to label them too. `born` are charges that engines have computed. `forecasts` are those that decide how many labels a level has, by key. `seconds` is what each
    stored label has cost, `failed` why a label is not there, `chunks` which labels each claimed job is to compute.
    `faulty` says of a label that is not there what is wrong with the one that an earlier version computed.
    `label_versions` is empty; where it names versions of label tasks (`flows.faults`), what is planned is what was
    asked for when these were those of the day.
    `by_path` are the keys of labels and samplings that are there, or in hand, under the paths of files that their
    engines read, and that stand for what is asked for now; `passed_over` those of which that is not so.
    """

    label_sets: Mapping[str, LabelSet] = field(default_factory=dict)
    structures: Mapping[str, Mapping[str, Structure]] = field(default_factory=dict)
    sweeps: Mapping[str, Sweep] = field(default_factory=dict)
    born: Mapping[str, BornCharges] = field(default_factory=dict)
    forecasts: Mapping[str, Forecast] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    failed: Mapping[str, Failure] = field(default_factory=dict)
    chunks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    faulty: Mapping[str, Fault] = field(default_factory=dict)
    label_versions: Mapping[str, int] = field(default_factory=dict)
    by_path: Set[str] = frozenset()
    passed_over: Set[str] = frozenset()

    def settled(self, label_key: str) -> bool:
        """Whether a label is there, or will not be."""
        return label_key in self.seconds or label_key in self.failed
