"""Labels: where energies and forces of structures come from, and whether they can be trusted."""
