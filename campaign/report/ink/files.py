"""Which figure draws which payload, and how pictures are written: the same bytes for the same payload."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from campaign.report.dispersion.payload import (
    AnyFigure,
    BandsFigure,
    ErrorsFigure,
    VibrationsFigure,
    ZoneFigure,
)
from campaign.report.topics.frozen.payload import FrozenFigure, SamplingFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 200


def draw(payload: AnyFigure) -> Figure:
    """The picture of a payload."""
    from matplotlib import rc_context

    from campaign.report.ink.dispersion import draw_bands
    from campaign.report.ink.style import STYLE
    from campaign.report.topics.errors.ink import draw_errors
    from campaign.report.topics.frozen.ink import draw_frozen
    from campaign.report.topics.sampling.ink import draw_sampling
    from campaign.report.topics.vibrations.ink import draw_vibrations
    from campaign.report.topics.zone.ink import draw_zone

    with rc_context(STYLE):
        match payload:
            case BandsFigure():
                drawn = draw_bands(payload)
            case ZoneFigure():
                drawn = draw_zone(payload)
            case ErrorsFigure():
                drawn = draw_errors(payload)
            case VibrationsFigure():
                drawn = draw_vibrations(payload)
            case FrozenFigure():
                drawn = draw_frozen(payload)
            case SamplingFigure():
                drawn = draw_sampling(payload)
        drawn.draw_without_rendering()
        drawn.set_layout_engine("none")  # it is laid out: not again for every format
    return drawn


def save(payload: AnyFigure, directory: Path) -> list[Path]:
    """Write `NAME.png`, `NAME.pdf` and `NAME.json` into `directory`, which is there."""
    from matplotlib import rc_context

    from campaign.report.ink.style import STYLE

    figure = draw(payload)
    # without them, files hold the version of matplotlib and the hour
    anonymous: dict[str, dict[str, str | None]] = {
        "png": {"Software": None},
        "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    }
    paths = []
    for suffix, metadata in anonymous.items():
        path = directory / f"{payload.name}.{suffix}"
        with rc_context(STYLE):
            figure.savefig(path, dpi=DPI, metadata=metadata)
        paths.append(path)
    numbers = directory / f"{payload.name}.json"
    numbers.write_text(payload.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return [*paths, numbers]
