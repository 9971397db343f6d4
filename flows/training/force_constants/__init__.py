"""Differences of two levels by force constants: a symmetry-adapted polynomial in the displacements from the sites."""
