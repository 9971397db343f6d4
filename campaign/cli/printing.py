"""How commands speak: facts, tables, and the next useful command."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def console() -> Console:
    """Where facts go. Off a terminal lines are not folded."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 160)


def show(*what: RenderableType) -> None:
    """Print text or tables."""
    screen = console()
    for one in what:
        screen.print(one)


def facts(document: Any) -> None:
    """Print facts as JSON."""
    print(json.dumps(document, indent=2, default=str, ensure_ascii=False))


def hint(command: str) -> None:
    """Name the next useful command."""
    show(f"next: [bold]{command}[/bold]")
