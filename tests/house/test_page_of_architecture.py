"""docs/explanation/architecture.md leads through files that are there, to functions that are in them."""

from __future__ import annotations

import ast
import re

import pytest
from pages import PAGES, ROOT

PAGE = PAGES["docs/explanation/architecture.md"]
STEPS = re.findall(r"^\| `([\w.]+)` \| `([\w/]+\.py)` \|", PAGE.text, re.MULTILINE)
PATHS = re.findall(r"`((?:campaign|flows|launchers)/[\w/]+(?:\.py)?)`", PAGE.text)
CONTRIBUTED = re.findall(r"`((?:campaign|flows|launchers|tests)/[\w/.]+)`", PAGES["CONTRIBUTING.md"].text)


def defined(path: str) -> set[str]:
    """Functions and methods of a module, the latter with their class."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)}
    return found


def test_the_walk_is_found() -> None:
    assert len(STEPS) > 35


@pytest.mark.parametrize(("function", "path"), STEPS)
def test_every_step_is_a_function_of_its_file(function: str, path: str) -> None:
    assert function in defined(path)


@pytest.mark.parametrize("path", sorted(set(PATHS)))
def test_every_path_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("path", sorted(path for path in set(CONTRIBUTED) if not re.search("NAME|TOPIC", path)))
def test_what_contributors_are_told_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_room_of_campaign_has_its_row() -> None:
    rooms = {f"campaign/{path.parent.name}" for path in (ROOT / "campaign").glob("*/__init__.py")}
    assert rooms <= set(PATHS)
