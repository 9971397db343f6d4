"""Where work runs: what a machine has, its slots, and the schedulers that lend machines."""
