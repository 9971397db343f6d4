"""The one line that holds the house up: who may import whom, and which framework lives where."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("campaign", "flows", "launchers")
ALLOWED = {"campaign": {"campaign", "flows", "launchers"}, "flows": {"flows"}, "launchers": {"launchers"}}
# every third-party framework has one home
HOMES = {
    "fireworks": ("launchers/",),
    "pymongo": ("launchers/",),
    "gridfs": ("launchers/",),
    "bson": ("launchers/",),
    # no home: to Python true is 1, and documents have no order
    "mongomock_ng": (),
    "mongomock": (),
    "matplotlib": ("campaign/report/",),
    "mace": ("flows/training/",),
    "torch": ("flows/training/", "flows/dynamics/"),
    "phonopy": ("flows/phonons/",),
    "h5py": ("flows/dynamics/",),
    "seekpath": ("flows/phonons/",),
    "spglib": ("flows/phonons/symmetry.py",),
    "pyscf": ("flows/labelling/engines/",),
    "typer": ("campaign/cli/",),
    "flask": ("launchers/web/", "campaign/web/"),
    "waitress": ("launchers/web/",),
    "pandas": ("campaign/results/", "campaign/cli/"),
}
HEAVY = {"torch", "mace", "e3nn", "pyscf", "atomate2", "phonopy", "jobflow", "fireworks", "pymatgen", "flask"}
SOURCES = sorted(path for name in OURS for path in (ROOT / name).rglob("*.py"))


def imports(path: Path, nodes: Callable[[ast.Module], Iterator[ast.AST]] = ast.walk) -> Iterator[str]:
    """The top-level names that a file imports, wherever in it, or in those `nodes` of it."""
    for node in nodes(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_keep_their_direction(path: Path) -> None:
    place = path.relative_to(ROOT).parts[0]
    ours = set(imports(path)) & set(OURS)
    assert ours <= ALLOWED[place], f"{path} may not import {ours - ALLOWED[place]}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_frameworks_stay_at_home(path: Path) -> None:
    place = str(path.relative_to(ROOT))
    strays = {name for name in imports(path) if name in HOMES and not place.startswith(HOMES[name])}
    assert not strays, f"{place} imports {strays}, which live in {[HOMES[name] for name in strays]}"


def modules() -> dict[str, Path]:
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in SOURCES}


def run(tree: ast.Module) -> Iterator[ast.AST]:
    """What a file runs, early or late: not what it imports for types alone."""
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    return (node for node in ast.walk(tree) if node not in for_types)


def test_ink_alone_needs_matplotlib_and_late() -> None:
    inked = {path for path in SOURCES if "matplotlib" in set(imports(path, run))}
    assert len(inked) > 5
    for path in inked:
        assert path.parent.name == "ink" or path.name == "ink.py", path
        assert "matplotlib" not in set(imports(path, lambda tree: iter(tree.body))), f"{path}: not inside of a function"


def imported_modules(path: Path, known: set[str]) -> set[str]:
    """The modules of ours that a file imports, early, late, or for types alone."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {one if one in known else node.module for one in inside}
    return found & known


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import one another, directly or through others."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    names = sorted(graph)
    place = {name: number for number, name in enumerate(names)}
    edges = [(place[one], place[other]) for one, others in graph.items() for other in others]
    rows, columns = zip(*edges, strict=True)
    matrix = csr_matrix(([1] * len(edges), (rows, columns)), shape=(len(names), len(names)))
    _, labels = connected_components(matrix, directed=True, connection="strong")
    groups: dict[int, list[str]] = {}
    for name, label in zip(names, labels, strict=True):
        groups.setdefault(int(label), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def test_no_modules_import_one_another() -> None:
    known = modules()
    graph = {name: imported_modules(path, set(known)) - {name} for name, path in known.items()}
    assert len(graph) > 200
    assert circles(graph) == []


# a room of launchers, and those that it may know; `farm` and `envelopes` stand before them
ROOMS = {
    "database": set(),
    "queue": {"database", "farm", "envelopes"},
    "machines": {"database", "queue", "farm"},
    "workers": {"database", "queue", "machines", "farm", "envelopes"},
    "web": {"farm", "envelopes"},
}


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_of_launchers_import_one_way(room: str) -> None:
    known = modules()
    inside = {name: path for name, path in known.items() if name.startswith(f"launchers.{room}.")}
    assert inside
    named = {other.split(".")[1] for path in inside.values() for other in imported_modules(path, set(known)) if "." in other}
    assert named <= {room, *ROOMS[room]}


def test_launchers_have_these_rooms() -> None:
    assert {path.parent.name for path in (ROOT / "launchers").glob("*/__init__.py")} == set(ROOMS)


def test_a_circle_would_be_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


@pytest.mark.parametrize("name", OURS)
def test_sources_are_ours_and_of_one_version(name: str) -> None:
    from importlib import import_module

    package = import_module(name)
    assert Path(package.__file__ or "").parents[1] == ROOT
    assert package.__version__ == import_module("campaign").__version__


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom campaign.cli import main\n"
        "main(['--help'])\n"
        f"print(sorted(set(sys.modules) & {HEAVY!r}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"
