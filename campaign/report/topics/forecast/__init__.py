"""How many labels a level needs."""
