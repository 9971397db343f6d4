"""The caption of the Brillouin zone."""

from __future__ import annotations

from campaign.report.crystal import Crystal
from campaign.report.document import Caption
from campaign.report.qpoints import held_text


def zone_caption(crystal: Crystal) -> Caption:
    """The caption of the Brillouin zone."""
    first = f"The first Brillouin zone of the primitive cell of {crystal.name} with its named points and the path of the bands."
    extra = "X-K lies outside of the zone; the equivalent X-U is drawn." if "U" in crystal.path.points else ""
    ink = "Open circles: points that carry a mark." if any(crystal.marks.values()) else ""
    return Caption.of([first, extra, ink, *held_text(crystal.coverage, crystal.training_cell, crystal.phonon_cell)])
