"""VASP: DFT, hybrid functionals and Hartree-Fock of plane waves, with k-points and forces."""
