"""The queue: claims, states, locks and leases of work, and what a job may take. Who works is not known here."""
