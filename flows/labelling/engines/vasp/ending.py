"""How VASP ended under custodian, what was corrected on the way, and why that is no result."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from flows.failure import CalculationFailed
from flows.labelling.engines import program
from flows.labelling.engines.protocol import STAGE
from flows.labelling.engines.vasp.method import ROAD

_UNCONVERGED = {"Unconverged", "Non-converging job"}
_HARMLESS_FILES = {"WAVECAR", "CHGCAR"}
_LAST_WORDS = 300
_failed = partial(CalculationFailed.of, STAGE)


@dataclass(frozen=True)
class Correction:
    """What custodian found wrong, and what it did about it; `changed` is what of it decides numbers."""

    errors: tuple[str, ...]
    done: tuple[str, ...]
    changed: tuple[str, ...]

    @classmethod
    def of(cls, logged: Mapping[str, Any]) -> Correction:
        """As custodian's log has it."""
        actions = list(_actions(logged["actions"] or ()))
        return cls(tuple(sorted(logged["errors"])), tuple(text for text, _ in actions), tuple(text for text, decides in actions if decides))

    def text(self) -> str:
        """`Unconverged: ALGO = All, ISEARCH = 1`."""
        return f"{', '.join(self.errors)}: {', '.join(self.done) or 'nothing helps'}"


@dataclass(frozen=True)
class Ended:
    """How it ended: the `code` of VASP's last run, whether custodian `gave_up` on what it found, and all `corrections`."""

    code: int
    gave_up: str = ""
    corrections: tuple[Correction, ...] = ()

    @property
    def unconverged(self) -> bool:
        """Whether the last thing that was found is that."""
        return bool(self.corrections) and bool(_UNCONVERGED.intersection(self.corrections[-1].errors))

    def remarks(self, step: str) -> tuple[str, ...]:
        """What is to be said of a step."""
        return tuple(f"{step}: custodian: {one.text()}" for one in self.corrections)

    def tried(self) -> str:
        """All that was found and done, each once."""
        return "; ".join(dict.fromkeys(one.text() for one in self.corrections))


@dataclass(frozen=True)
class Attempt:
    """What ran, for a message; in how many cycles its electrons were to converge, and what to do where they did not."""

    name: str
    cycles: int
    advice: str

    def unconverged(self, ended: Ended, where: str = "") -> CalculationFailed:
        """That they did not."""
        tried = ended.tried() or where
        return _failed("unconverged", f"{self.name} did not converge in max_scf_cycles = {self.cycles}{f' ({tried})' if tried else ''}", self.advice)

    def refuse_broken(self, ended: Ended, directory: Path) -> None:
        """Raises: CalculationFailed: `killed`, `unconverged`, `crashed`, `changed-settings`."""
        if not ended.corrections and (by := program.signal_of(ended.code)) is not None:
            raise _failed("killed", *program.killed(self.name, by))
        if ended.gave_up and ended.unconverged:
            raise self.unconverged(ended)
        if ended.gave_up:
            tried = ended.tried()
            said = f" ({tried})" if tried else f" (exit code {ended.code}){last_words(directory)}"
            advice = "see that message in VASP's wiki; correct the settings, or leave the structure out"
            raise _failed("crashed", f"{self.name} stopped{said}", advice)
        if changed := [what for one in ended.corrections for what in one.changed]:
            message = f"{self.name} came through only with other settings than asked for: custodian: {ended.tried()}"
            advice = f"such a number is no label of these settings ({', '.join(changed)}): take settings that VASP can do for all structures"
            raise _failed("changed-settings", message, advice)


def last_words(directory: Path) -> str:
    """What VASP or its launcher said last, without the frames that VASP draws."""
    for name in (program.ERRORS, program.OUT):
        path = directory / name
        text = path.read_text(errors="replace") if path.is_file() else ""
        words = " ".join(re.sub(r"[|#*=+-]{2,}|^\s*\||\|\s*$", " ", text, flags=re.MULTILINE).split())
        if words:
            return f": {words[-_LAST_WORDS:]}"
    return ""


def _actions(actions: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, bool]]:
    """Each thing that was done, and whether it decides numbers."""
    for one in actions:
        what = one.get("dict") or one.get("file")
        for verb, about in one["action"].items():
            if what == "INCAR" and verb in ("_set", "_unset"):
                for tag, value in about.items():
                    yield (f"{tag} = {value}" if verb == "_set" else f"{tag} removed"), tag not in ROAD
            elif "file" in one and what in _HARMLESS_FILES:
                yield f"{what} removed", False
            else:
                yield f"{what} changed", True
