"""A MongoDB server for one machine and one user: its wire protocol on a Unix socket, SQLite behind it."""
