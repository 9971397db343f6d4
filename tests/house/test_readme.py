"""The README is true: its campaigns load, its commands exist, and the fast ones are run.

Blocks in `bash` are run, in order, in one folder that holds labels; those in `bash slow` are only held against the command line.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import typer
import yaml
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from campaign.cli import app
from campaign.examples import list_examples
from campaign.results.tables import TABLES
from campaign.spec import load_spec

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
KEYS = (ROOT / "docs" / "campaign.md").read_text()
BLOCKS = re.findall(r"^```(.+?)\n(.*?)^```$", README + KEYS, re.MULTILINE | re.DOTALL)
INLINE = re.findall(r"`(latticefarm [^`]+)`", README)


def blocks(language: str) -> list[str]:
    return [text for name, text in BLOCKS if name == language]


CAMPAIGN = next(text for text in blocks("yaml") if text.startswith("campaign:"))
COMMANDS = [
    line
    for text in (*blocks("bash"), *blocks("bash slow"))
    for line in re.split(r"\n| && ", text.replace("\\\n", " "))
    if line.startswith("latticefarm ")
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """`my-diamond.yaml`, `labels` and references as the README has them; short, for the socket of a database."""
    with TemporaryDirectory(prefix="lf-") as place:
        (Path(place) / "my-diamond.yaml").write_text(CAMPAIGN)
        (Path(place) / "labels").mkdir()
        for level, scale in (("dft", 1.0), ("ccsdt", 1.1)):
            images = [_displaced(number, scale) for number in range(10)]
            write(Path(place) / "labels" / f"{level}.xyz", images, format="extxyz")
        (Path(place) / "neutrons.csv").write_text("point,frequency_cm1\nX,807\n")
        (Path(place) / "dos.csv").write_text("frequency_cm1,dos\n0,0\n500,1\n")
        yield Path(place)


def _displaced(number: int, scale: float) -> Atoms:
    """A frame of diamond on springs; the forces in the upper file are not read."""
    atoms = bulk("C", "diamond", a=3.561, cubic=True).repeat((2, 2, 1))
    sites = atoms.get_positions()
    atoms.rattle(0.05, seed=number)
    moved = atoms.positions - sites
    atoms.calc = SinglePointCalculator(atoms, energy=scale * 10 * (moved**2).sum(), forces=-20 * moved)
    return atoms


def test_the_campaign_loads(folder: Path) -> None:
    assert load_spec(folder / "my-diamond.yaml", (), folder / "labels").gaps == ()


@pytest.mark.parametrize("part", [text for text in blocks("yaml") if text != CAMPAIGN])
def test_parts_of_a_campaign_load(folder: Path, part: str) -> None:
    whole = yaml.safe_load(CAMPAIGN) | yaml.safe_load(part)
    (folder / "my-diamond.yaml").write_text(yaml.safe_dump(whole, sort_keys=False))
    load_spec(folder / "my-diamond.yaml", (), folder / "labels")


def parse(line: str, *, whole: bool) -> None:
    """Have the command line read a command without running it; `whole`: its arguments must be there too.

    Raises:
        Exception: there is no such command, option or argument.
    """
    words = shlex.split(line.replace(" ...", ""), comments=True)[1:]
    words = words[: next((number for number, word in enumerate(words) if word in (">", "|", "&&")), len(words))]
    command, context = typer.main.get_command(app), None
    words = [word for word in words if word != "--debug"]
    while hasattr(command, "commands") and words:
        context = command.make_context("latticefarm", [], parent=context, resilient_parsing=True)
        name, *words = words
        command = command.commands[name]
    command.make_context("latticefarm", words, parent=context, resilient_parsing=not whole)


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_are_commands(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    parse(line, whole=True)


@pytest.mark.parametrize("line", sorted(set(INLINE)))
def test_commands_in_passing_are_commands(line: str) -> None:
    parse(re.sub(r"[\[\]]", "", line), whole=False)


def test_a_wrong_command_would_be_found() -> None:
    for wrong in ("latticefarm plot x", "latticefarm plan x --no-such-option", "latticefarm plan"):
        with pytest.raises(Exception, match=r"plot|no-such-option|spec"):
            parse(wrong, whole=True)


def test_every_command_and_option_is_in_the_table() -> None:
    commands = typer.main.get_command(app).commands
    rows = {row.split("`")[1].split()[1]: row for row in README.splitlines() if row.startswith("| `latticefarm ")}
    assert rows.keys() == commands.keys()
    shared = {"--help", "-h", "--set", "--data", "--system", "--stage", "--model", "--seed"}
    for name, command in commands.items():
        options = {option for one in command.params for option in one.opts if option.startswith("-")} - shared
        assert options <= set(re.findall(r"--[a-z-]+", rows[name])), name


@pytest.mark.parametrize(("command", "names"), [("init EXAMPLE", list_examples()), ("results CAMPAIGN", tuple(TABLES))])
def test_what_a_command_takes_is_in_its_row(command: str, names: tuple[str, ...]) -> None:
    (row,) = (row for row in README.splitlines() if row.startswith(f"| `latticefarm {command}"))
    assert set(re.findall(r"`([a-z-]+)`", row)) >= set(names)


def test_every_variable_is_in_the_table() -> None:
    sources = [path for name in ("campaign", "flows", "launchers", "tests") for path in (ROOT / name).rglob("*.py")]
    used = {name for path in sources for name in re.findall(r"\"(LATTICEFARM_[A-Z_]+)\"", path.read_text())}
    assert used <= set(re.findall(r"^\| `(LATTICEFARM_[A-Z_]+)`", README, re.MULTILINE))


@pytest.mark.parametrize("block", blocks("python"))
def test_python_is_python_and_its_names_exist(block: str) -> None:
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom):
            assert all(hasattr(import_module(node.module or ""), alias.name) for alias in node.names)


def test_fast_commands_run(folder: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LATTICEFARM_", "FW_", "JOBFLOW_"))}
    environment["LATTICEFARM_HOME"] = str(folder / "home")
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])

    def bash(script: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "-euxo", "pipefail", "-c", script]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    try:
        done = bash("\n".join(blocks("bash")))
    finally:
        stopped = bash("latticefarm db stop")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "my-diamond: 12 jobs added" in done.stdout
    assert "stopped" in stopped.stdout
