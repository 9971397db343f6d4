"""Which packages made a record."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import version


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Of Python and of `packages`, as installed."""
    return {"python": platform.python_version()} | {name: version(name) for name in packages}
