"""What the project says of itself in several places is the same everywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
RELEASES = re.findall(r"^## \[(\d+\.\d+\.\d+)\](?: - (\S+))?", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_the_version_is_the_newest_release_of_the_changelog() -> None:
    found = [version for version, _ in RELEASES]
    assert PROJECT["version"] == found[0]
    assert found == sorted(found, key=numbers, reverse=True)


def test_what_is_to_be_cited_is_that_release() -> None:
    assert (CITATION["version"], CITATION["date-released"]) == RELEASES[0]


def test_the_licence_is_one() -> None:
    assert PROJECT["license"] == CITATION["license"] == "BSD-3-Clause"
    (file,) = PROJECT["license-files"]
    assert (ROOT / file).read_text().startswith("BSD 3-Clause License")


def test_the_authors_are_the_same() -> None:
    assert [one["name"] for one in PROJECT["authors"]] == [one["name"] for one in CITATION["authors"]]


def test_hooks_fetch_nothing() -> None:
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    hooks = [hook for one in repositories for hook in one["hooks"]]
    assert {one["repo"] for one in repositories} == {"local"}
    assert {hook["language"] for hook in hooks} == {"system"}
    needed = {hook["entry"].split()[0] for hook in hooks}
    installed = {re.split(r"[<>=\[]", one)[0] for one in PROJECT["optional-dependencies"]["dev"]}
    assert needed <= installed
