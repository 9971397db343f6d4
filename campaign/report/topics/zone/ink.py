"""The Brillouin zone in three dimensions: faces, the path of the bands, named points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from campaign.report.ink.style import INK, MISSING, REFERENCE
from campaign.report.topics.zone.payload import ZoneFigure, ZonePoint

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VIEW = (14.0, 22.0)  # elevation and azimuth, degrees


def draw_zone(payload: ZoneFigure) -> Figure:
    """Edges in front are solid, those behind are dotted; points that the training cell lacks are open circles."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.5, 3.4))
    axes: Any = figure.add_axes((0.0, 0.0, 1.0, 1.0), projection="3d", computed_zorder=False)
    axes.set_proj_type("ortho")
    axes.view_init(*VIEW)
    axes.set_axis_off()
    _faces(axes, payload)
    for piece in payload.path:
        axes.plot(
            *zip(piece.start, piece.end, strict=True),
            color=REFERENCE,
            lw=1.8,
            zorder=5,
            solid_capstyle="round",
        )
    reach = 0.78 * max(np.linalg.norm(corner) for face in payload.faces for corner in face)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), zlim=(-reach, reach))
    axes.set_box_aspect((1, 1, 1), zoom=1.16)
    for point in payload.points:
        _point(axes, point)
    return figure


def _faces(axes: Any, payload: ZoneFigure) -> None:
    eye = _eye()
    for face in payload.faces:
        corners = np.array(face)
        front = corners.mean(axis=0) @ eye > 0
        ring = np.vstack([corners, corners[:1]])
        axes.plot(
            *ring.T,
            color=INK if front else "#9a9a9a",
            lw=0.9 if front else 0.6,
            ls="-" if front else ":",
            zorder=3 if front else 1,
        )


def _point(axes: Any, point: ZonePoint) -> None:
    where = np.array(point.position)
    colour = MISSING if point.mark else INK
    axes.plot(
        *where[:, None],
        ls="none",
        marker="o",
        ms=4.5,
        mfc="white" if point.mark else colour,
        mec=colour,
        mew=1.2,
        zorder=6,
    )
    flat = _on_paper(axes, where) - _on_paper(axes, np.zeros(3))
    length = float(np.linalg.norm(flat))
    away = flat / length if length > 1e-9 else np.array([-0.8, 0.6])
    axes.annotate(
        point.label + point.mark,
        _on_paper(axes, where),
        (10.0 + 3.5 * len(point.mark)) * away,
        textcoords="offset points",
        color=colour,
        fontsize=10,
        ha="center",
        va="center",
        zorder=7,
    )


def _on_paper(axes: Any, where: np.ndarray) -> np.ndarray:
    from mpl_toolkits.mplot3d.proj3d import proj_transform

    x, y, _ = proj_transform(*where, axes.get_proj())
    return np.array([x, y], dtype=float)


def _eye() -> np.ndarray:
    """Towards the reader."""
    elevation, azimuth = np.radians(VIEW)
    return np.array(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
    )
