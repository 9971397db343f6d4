"""Named q-points, and which cells hold them: the marks † and ‡."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from campaign.report.document import Payload
from flows.records import Vector

DAGGER, DOUBLE_DAGGER = "†", "‡"


class NamedPoint(Payload):
    """A named q-point. `held`: the training supercell holds an arm of its star; `held_by_phonons`: the supercell does
    in which phonons are computed, else they are interpolated there."""

    label: str
    held: bool
    held_by_phonons: bool

    @property
    def mark(self) -> str:
        """`†` and `‡`, for what does not hold it."""
        return mark(self.held, self.held_by_phonons)


class PointCoverage(Payload):
    """How many arms of the star of a named q-point the training supercell holds, and that of the phonons."""

    label: str
    qpoint: Vector
    arms: int
    held: int
    held_by_phonons: int

    @property
    def mark(self) -> str:
        """`†` and `‡`, for what holds none."""
        return mark(self.held > 0, self.held_by_phonons > 0)


def mark(held: bool, held_by_phonons: bool) -> str:
    """What stands behind the label of a point."""
    return ("" if held else DAGGER) + ("" if held_by_phonons else DOUBLE_DAGGER)


def held_text(coverage: Sequence[PointCoverage], training: str, phonons: str) -> Iterator[str]:
    """Which named points the training cell holds and which not, and the same of the supercell of the phonons."""
    lost = [f"{one.label} (0 of {one.arms} arms)" for one in coverage if not one.held]
    kept = [f"{one.label} ({one.held} of {one.arms})" for one in coverage if one.held]
    interpolated = [one.label for one in coverage if not one.held_by_phonons]
    if lost:
        yield (
            f"{DAGGER}: the {training} of the training structures cannot represent {', '.join(lost)}, over all arms of the "
            f"star. It holds {', '.join(kept)}."
        )
    else:
        yield f"The training {training} holds an arm of the star of every named point."
    if interpolated:
        yield (
            f"{DOUBLE_DAGGER}: the {phonons} does not hold {', '.join(interpolated)}; phonons are interpolated there, as "
            "they are everywhere between the points that it holds."
        )
