"""Makers of atomate2 and jobflow, by their import paths."""
