"""How pictures are written: the same bytes for the same payload."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from campaign.report.ink.style import STYLE
from campaign.report.topic import Drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 200


def picture(drawing: Drawing) -> Figure:
    """A payload as its topic draws it, laid out."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        drawn = drawing.topic.draw(drawing.payload)
        drawn.draw_without_rendering()
        drawn.set_layout_engine(None)  # it is laid out; with an engine, even "none", each format would draw it twice
    return drawn


def save(drawing: Drawing, directory: Path) -> list[Path]:
    """Write `NAME.png`, `NAME.pdf` and `NAME.json` into `directory`, which is there."""
    from matplotlib import rc_context

    figure, name = picture(drawing), drawing.payload.name
    # without them, files hold the version of matplotlib and the hour
    anonymous: dict[str, dict[str, str | None]] = {
        "png": {"Software": None},
        "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    }
    paths = []
    for suffix, metadata in anonymous.items():
        path = directory / f"{name}.{suffix}"
        with rc_context(STYLE):
            figure.savefig(path, dpi=DPI, metadata=metadata)
        paths.append(path)
    numbers = directory / f"{name}.json"
    numbers.write_text(drawing.payload.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return [*paths, numbers]
