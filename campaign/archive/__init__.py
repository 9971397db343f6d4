"""A campaign as one file: an RO-Crate in a zip, written out of a database and put into another."""
