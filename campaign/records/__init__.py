"""What the database has of a campaign: its spec, its labels, and what is known for the plan."""
