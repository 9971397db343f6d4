"""PySCF: from Hartree-Fock and DFT to CCSD(T), at Γ, with Gaussian orbitals."""
