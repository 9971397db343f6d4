"""The levels of PySCF at Γ."""

LEVELS = {"dft": True, "hf": False, "mp2": False, "ccsd": False, "ccsd(t)": False}
"""Cheapest first, and whether there are forces."""

COUPLED_CLUSTER = ("ccsd", "ccsd(t)")
