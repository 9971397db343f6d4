"""Any ASE calculator."""
