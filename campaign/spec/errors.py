"""What is wrong with a spec: one line for each problem, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

Loc = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """`where` is `file:line` (or the override), `key` the dotted key, `message` what is wrong and what to do."""

    where: str
    key: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.message) if part)


class SpecError(ValueError):
    """A spec that cannot be used: its text is one line per problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[type[SpecError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


def dotted(loc: Loc) -> str:
    """`("training", "seeds", 1)` as `training.seeds[1]`."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(word: str, known: Iterable[str]) -> str:
    """Advice for a word that is not among the known: the nearest of them, or all."""
    choices = list(known)
    by_letters = {squeezed(choice): choice for choice in choices}
    close = get_close_matches(squeezed(word), by_letters, n=1)
    if close:
        return f"did you mean {by_letters[close[0]]}?"
    return f"known: {', '.join(choices)}" if choices else "none is known here"


def squeezed(word: str) -> str:
    """Letters and digits only: CCSDT and ccsd_t mean ccsd(t), not ccsd."""
    return "".join(filter(str.isalnum, word.lower()))
