"""Quantum ESPRESSO: DFT of plane waves, with k-points and forces."""
