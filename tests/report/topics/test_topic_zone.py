"""The Brillouin zone of a face-centred cubic lattice."""

from __future__ import annotations

import numpy as np
import pytest

from campaign.report.crystal import Crystal
from campaign.report.topics.zone.gather import zone_figure


def test_the_zone_of_fcc_has_its_faces_and_its_path_inside(diamond: Crystal) -> None:
    made = zone_figure(diamond)
    assert sorted(len(face) for face in made.faces) == [4] * 6 + [6] * 8
    assert [piece.labels for piece in made.path] == [("Γ", "X"), ("X", "U"), ("K", "Γ"), ("Γ", "L")]
    assert made.path[0].end == made.path[1].start
    length = 2 * np.pi / 3.56
    assert np.linalg.norm(made.path[0].end) == pytest.approx(length, abs=1e-5)
    assert {point.label for point in made.points if not point.held} == {"L", "K", "U"}
    assert {point.label for point in made.points if not point.held_by_phonons} == {"W", "K", "U"}
