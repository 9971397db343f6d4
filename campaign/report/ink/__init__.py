"""Ink: what pictures share, and how they are written as PNG and PDF. matplotlib is imported here and in `ink.py` of topics."""
