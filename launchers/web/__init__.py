"""FireWorks' own web app behind one password, with the pages of others mounted in it by import path."""
