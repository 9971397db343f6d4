"""VASP + Cc4s: Hartree-Fock on k-points; MP2, CCSD and CCSD(T) at Γ in natural orbitals, with corrections, as one chain."""
