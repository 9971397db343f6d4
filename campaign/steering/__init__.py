"""How a campaign goes on: what is queued, how far it is, what is held back, how long it takes."""
