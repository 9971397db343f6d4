"""Who works: nodes, slots, their processes and heartbeats; how work is delivered, and how that of the dead comes back."""
