"""Ink: payloads as matplotlib figures, and those as PNG and PDF. matplotlib is imported here and nowhere else."""

from campaign.report.ink.files import draw, save

__all__ = ["draw", "save"]
