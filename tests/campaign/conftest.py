"""The command line on a toy campaign."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import toy_campaign

VARIABLES = ("LATTICEFARM_MONGO_URI", "LATTICEFARM_MONGO_URI_FILE", "LATTICEFARM_MONGO_DATABASE")


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    error: str

    @property
    def complaint(self) -> str:
        """The one line of an input error."""
        assert self.code == 2, self
        lines = self.error.splitlines()
        assert len(lines) == 1, self.error
        assert lines[0].startswith("error: ")
        return lines[0].removeprefix("error: ")


@pytest.fixture
def toy_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: labels of two levels and `toy.yaml`."""
    monkeypatch.chdir(tmp_path)
    toy_campaign.write_campaign(tmp_path)
    return tmp_path


@pytest.fixture
def no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No database is named, and latticefarm's home is empty; returns that home."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LATTICEFARM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def latticefarm(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs one command line."""
    from campaign.cli import main

    def run(*arguments: object) -> Said:
        capsys.readouterr()
        code = main([str(one) for one in arguments])
        return Said(code, *capsys.readouterr())

    return run
