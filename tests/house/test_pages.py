"""The pages are true: their campaigns load, their commands exist, their links lead somewhere, and fast commands run.

Blocks in `bash` are run, in order, page by page, in a folder that holds labels and what the page has shown before;
those in `bash slow` are only held against the command line.
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
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import typer
import yaml
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from pages import PAGES, ROOT, Page, blocks, table
from pseudopotentials import upf

from campaign.cli import app
from campaign.cli.results_commands import TABLE_HELP
from campaign.examples import list_examples
from campaign.planning.stages import STAGES, categories
from campaign.results.tables import TABLES
from campaign.spec import load_spec

README = PAGES["README.md"]
COMMANDS_PAGE = PAGES["docs/reference/commands.md"]
VARIABLES_PAGE = PAGES["docs/reference/files-and-variables.md"]
CAMPAIGNS = [(page, text) for page, text in blocks("yaml") if text.startswith("campaign:")]
PARTS = [(page, text) for page, text in blocks("yaml") if not text.startswith("campaign:")]
COMMANDS = [
    line.strip()
    for _, text in (*blocks("bash"), *blocks("bash slow"))
    for line in re.split(r"\n| && ", text.replace("\\\n", " "))
    if line.strip().startswith("latticefarm ")
]
INLINE = sorted({command for page in PAGES.values() for command in re.findall(r"`(latticefarm [^`]+)`", page.prose)})
RUN = [page for page in PAGES.values() if page.blocks("bash")]


def campaign_of(page: str) -> str:
    """The campaign that a page is about: its own, or the README's."""
    own = [text for name, text in CAMPAIGNS if name == page]
    return own[0] if own else next(text for name, text in CAMPAIGNS if name == README.name)


def campaign_file(text: str) -> str:
    return f"{yaml.safe_load(text)['campaign']}.yaml"


@pytest.fixture
def folder() -> Iterator[Path]:
    """`my-diamond.yaml`, `labels` and references as the pages have them; short, for the socket of a database."""
    with TemporaryDirectory(prefix="lf-") as place:
        (Path(place) / "my-diamond.yaml").write_text(campaign_of(README.name))
        (Path(place) / "labels").mkdir()
        for level, scale in (("dft", 1.0), ("ccsdt", 1.1)):
            images = [_displaced(number, scale) for number in range(10)]
            write(Path(place) / "labels" / f"{level}.xyz", images, format="extxyz")
        (Path(place) / "neutrons.csv").write_text("point,frequency_cm1\nX,807\n")
        (Path(place) / "dos.csv").write_text("frequency_cm1,dos\n0,0\n500,1\n")
        for name, valence in (("Al.pz-vbc", 3), ("As.pz-bhs", 5)):
            (Path(place) / f"{name}.UPF").write_text(upf(name[:2], valence))
        yield Path(place)


def _displaced(number: int, scale: float) -> Atoms:
    """A frame of diamond on springs; the forces in the upper file are not read."""
    atoms = bulk("C", "diamond", a=3.561, cubic=True).repeat((2, 2, 1))
    sites = atoms.get_positions()
    atoms.rattle(0.05, seed=number)
    moved = atoms.positions - sites
    atoms.calc = SinglePointCalculator(atoms, energy=scale * 10 * (moved**2).sum(), forces=-20 * moved)
    return atoms


def lay_out(page: Page, folder: Path) -> None:
    """Write the files that the page shows: campaigns under their names, Python that begins with its own."""
    for text in page.blocks("yaml"):
        if text.startswith("campaign:"):
            (folder / campaign_file(text)).write_text(text)
    for text in page.blocks("python"):
        if name := re.match(r"# (\w+\.py)\n", text):
            (folder / name[1]).write_text(text)


def test_the_pages_are_found() -> None:
    assert {"README.md", "docs/index.md", "docs/tutorials/laptop.md", "docs/reference/campaign.md"} <= PAGES.keys()
    assert {name for name, _ in CAMPAIGNS} >= {"README.md", "docs/tutorials/own-engine.md"}
    assert len(PARTS) >= 6
    assert len(COMMANDS) > 40


def test_the_readme_is_short() -> None:
    assert len(README.text.splitlines()) <= 150


@pytest.mark.parametrize(("page", "text"), CAMPAIGNS)
def test_campaigns_load(folder: Path, page: str, text: str) -> None:
    lay_out(PAGES[page], folder)
    assert load_spec(folder / campaign_file(text), (), folder / "labels").gaps == ()


@pytest.mark.parametrize(("page", "part"), PARTS)
def test_parts_of_a_campaign_load(folder: Path, page: str, part: str) -> None:
    whole = yaml.safe_load(campaign_of(page)) | yaml.safe_load(part)
    (folder / "whole.yaml").write_text(yaml.safe_dump(whole, sort_keys=False))
    load_spec(folder / "whole.yaml", (), folder / "labels")


def parse(line: str, *, whole: bool) -> None:
    """Have the command line read a command without running it; `whole`: its arguments must be there too.

    Raises:
        Exception: there is no such command, option or argument.
    """
    words = shlex.split(line.replace(" ...", ""), comments=True)[1:]
    words = words[: next((number for number, word in enumerate(words) if word in (">", "|", "&&")), len(words))]
    command, context = typer.main.get_command(app), None
    words = [word for word in words if word not in ("--debug", "--help")]
    while hasattr(command, "commands") and words:
        context = command.make_context("latticefarm", [], parent=context, resilient_parsing=True)
        name, *words = words
        command = command.commands[name]
    command.make_context("latticefarm", words, parent=context, resilient_parsing=not whole)


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_are_commands(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    parse(line, whole=True)


@pytest.mark.parametrize("line", INLINE)
def test_commands_in_passing_are_commands(line: str) -> None:
    parse(re.sub(r"[\[\]]", "", " ".join(line.split())), whole=False)


def test_a_wrong_command_would_be_found() -> None:
    for wrong in ("latticefarm plot x", "latticefarm plan x --no-such-option", "latticefarm plan"):
        with pytest.raises(Exception, match=r"plot|no-such-option|spec"):
            parse(wrong, whole=True)


def test_every_command_and_option_is_in_the_table() -> None:
    commands = typer.main.get_command(app).commands
    rows = {
        row.split("`")[1].split()[1]: row
        for row in COMMANDS_PAGE.text.splitlines()
        if row.startswith("| `latticefarm ")
    }
    assert rows.keys() == commands.keys()
    shared = {"--help", "-h", "--set", "--data", "--system", "--stage", "--model", "--seed"}
    for name, command in commands.items():
        options = {option for one in command.params for option in one.opts if option.startswith("-")} - shared
        assert options <= set(re.findall(r"--[a-z-]+", rows[name])), name


def test_every_example_is_in_the_row_of_init() -> None:
    (row,) = (row for row in COMMANDS_PAGE.text.splitlines() if row.startswith("| `latticefarm init EXAMPLE"))
    assert set(re.findall(r"`([a-z0-9-]+)`", row)) >= set(list_examples())


def test_the_help_of_results_names_every_table() -> None:
    assert re.findall(r"[a-z-]+", TABLE_HELP.replace(" or ", " ")) == list(TABLES)


def test_stages_categories_and_tables_are_all_named() -> None:
    (sentence,) = re.findall(r"`--stage` is one of (.+?)\.", COMMANDS_PAGE.text, re.DOTALL)
    assert re.findall(r"`(\w+)`", sentence) == list(STAGES)
    assert table(PAGES["docs/tutorials/cluster.md"].text).keys() >= set(categories())
    assert table(PAGES["docs/how-to/results-and-export.md"].text).keys() >= TABLES.keys()


def test_every_variable_is_in_the_table() -> None:
    sources = [path for name in ("campaign", "flows", "launchers", "tests") for path in (ROOT / name).rglob("*.py")]
    used = {name for path in sources for name in re.findall(r"\"(LATTICEFARM_[A-Z_]+)\"", path.read_text())}
    assert used <= table(VARIABLES_PAGE.text).keys()


@pytest.mark.parametrize(("page", "block"), blocks("python"))
def test_python_is_python_and_its_names_exist(page: str, block: str) -> None:
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom):
            module = import_module(node.module or "")
            missing = [one.name for one in node.names if not hasattr(module, one.name)]
            assert all(find_spec(f"{node.module}.{name}") for name in missing), page


@pytest.mark.parametrize("page", PAGES.values(), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Page) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.prose):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            found = (ROOT / page.name).parent / path if path else ROOT / page.name
            assert found.exists(), f"{page.name}: {target}"
            assert not anchor or anchor in anchors(found), f"{page.name}: {target}"


def anchors(path: Path) -> set[str]:
    """Those of the headings of a page and of the page that it is made of, as GitHub names them; Sphinx checks its own."""
    text = path.read_text()
    for included in re.findall(r"^```\{include\} (\S+)", text, re.MULTILINE):
        text += (path.parent / included).read_text()
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_index() -> None:
    listed = {line for tree in re.findall(r"^```\{toctree\}\n(.*?)^```", PAGES["docs/index.md"].text, re.M | re.S) for line in tree.split()}
    pages = {str(Path(name).relative_to("docs").with_suffix("")) for name in PAGES if name.startswith("docs/")}
    assert pages - {"index"} <= listed


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_fast_commands_run(page: Page, folder: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LATTICEFARM_", "FW_", "JOBFLOW_"))}
    environment["LATTICEFARM_HOME"] = str(folder / "home")
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])

    def bash(script: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "-euxo", "pipefail", "-c", script]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    lay_out(page, folder)
    script = "\n".join(page.blocks("bash"))
    needs_database = "latticefarm db env" in script and "latticefarm db start" not in script
    try:
        done = bash(f"latticefarm db start\n{script}" if needs_database else script)
    finally:
        stopped = bash("latticefarm db stop")
    assert done.returncode == 0, done.stdout + done.stderr
    if "latticefarm submit" in script:
        assert "my-diamond: 12 jobs added" in done.stdout
        assert "stopped" in stopped.stdout
