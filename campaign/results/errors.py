"""What a user can ask for that is not there. Each message names what is."""

from __future__ import annotations


class UnknownCampaign(ValueError):
    """No campaign of that name was submitted to this database."""


class UnknownTable(ValueError):
    """No table has that name."""


class UnknownResult(ValueError):
    """The campaign asks for no such model or phonons, or they are not there yet."""


class NoDatabase(ValueError):
    """No database was found to read from."""
