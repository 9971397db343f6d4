"""docs/how-to/ask.md: each of its questions is answered by one line of Python and one command, alike, of a finished campaign."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ase.io import write
from pages import PAGES
from pandas import DataFrame, Series
from sources import module_at

from campaign.cli import main
from flows.keys import job_uuid
from launchers.database import ladder
from launchers.farm import Farm

PAGE = PAGES["docs/how-to/ask.md"]
FIRST, *QUESTIONS = re.split(r"^## ", PAGE.text, flags=re.MULTILINE)
EMPTY = {"failures", "reference"}
"""Nothing failed, and levels of published labels have no phonons of their own: these tables have their columns alone."""


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def finished(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The README's campaign with a record for each piece of work, phonons with real force constants; the names of the page.

    No model of energies alone has learned.
    """
    assert home.is_dir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATTICEFARM_MONGO_DATABASE", "test_questions")
        found = ladder.find()
        assert found is not None
        farm = Farm.open(found)
        _fill(farm, tmp_path_factory.mktemp("questions"))
        names: dict[str, Any] = {"db": farm.launchpad.db}
        exec(blocks(FIRST, "python")[0].replace("my-alloy", "my-diamond"), names)
        yield names
        farm.launchpad.connection.drop_database("test_questions")


def _fill(farm: Farm, folder: Path) -> None:
    world, pages = module_at("tests/campaign/results_world.py"), module_at("tests/house/test_pages.py")
    springs = module_at("tests/report/report_world.py").springs("diamond")
    for level, scale in (("dft", 1.0), ("ccsdt", 1.1)):
        write(folder / f"{level}.xyz", [pages._displaced(number, scale) for number in range(10)], format="extxyz")
    text = yaml.safe_load(pages.campaign_of("README.md"))
    plan = world.enter(farm, world.load(folder, yaml.safe_dump(text, sort_keys=False)))
    world.everything(farm, plan)
    for work in plan.of_stage("phonons"):
        farm.outputs.delete_one({"uuid": job_uuid(work.key)})
        world.store(farm, world.vibrating(work, learned=work.model != "dft_e").model_copy(update={"blob": springs.blob}))
    farm.outputs.update_many({"output.bands": {"$exists": True}}, {"$set": {"output.@class": "Phonons"}})
    farm.outputs.update_many({"output.train_count": {"$exists": True}}, {"$set": {"output.@class": "TrainedModel"}})
    lost = {"output.learned": False, "output.verdict": "no better than a constant"}
    farm.outputs.update_many({"output.@class": "TrainedModel", "output.model": "dft_e"}, {"$set": lost})


@pytest.fixture
def said(finished: dict[str, Any], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """What a command of the page prints."""
    assert finished
    monkeypatch.setenv("LATTICEFARM_MONGO_DATABASE", "test_questions")
    monkeypatch.chdir(tmp_path)

    def run(line: str) -> str:
        capsys.readouterr()
        assert main(shlex.split(line)[1:]) == 0
        return capsys.readouterr().out

    return run


def test_there_are_ten() -> None:
    assert len(QUESTIONS) >= 10
    for one in QUESTIONS:
        assert one.splitlines()[0].endswith("?")
        first = blocks(one, "python")[0]
        assert len(first.strip().splitlines()) == len(blocks(one, "bash slow")) == len(blocks(one, "bash slow")[0].strip().splitlines()) == 1


@pytest.mark.parametrize("text", QUESTIONS, ids=lambda text: text.splitlines()[0].replace(" ", "-"))
def test_a_question_is_answered(finished: dict[str, Any], said: Callable[[str], str], text: str) -> None:
    python, *mongo = blocks(text, "python")
    answer = eval(python, finished)
    for block in mongo:
        assert list(eval(block, finished)), block
    (command,) = blocks(text, "bash slow")
    shown = said(command.strip())
    if isinstance(answer, Path):
        assert answer.read_bytes() == b"a model"
        assert "written to trained" in shown
        return
    name = re.search(r"table\(\"([a-z-]+)\"", python)
    assert name is not None
    assert isinstance(answer, DataFrame | Series)
    assert (len(answer) > 0) == (name[1] not in EMPTY), answer


@pytest.mark.parametrize("text", [one for one in QUESTIONS if "latticefarm results" in one], ids=lambda text: text.splitlines()[0].replace(" ", "-"))
def test_the_command_reads_the_same_table(finished: dict[str, Any], said: Callable[[str], str], text: str) -> None:
    (command,) = blocks(text, "bash slow")
    python = blocks(text, "python")[0]
    tables = re.match(r"(every|diamond)\.table\(([^()]*(?:\([^()]*\))?[^()]*)\)", python)
    assert tables is not None
    rows = json.loads(said(f"{command.strip().removesuffix(' --csv')} --json"))
    assert len(rows) == len(eval(tables[0], finished))


def test_the_answers_are_those_of_the_records(finished: dict[str, Any]) -> None:
    optical = eval(blocks(QUESTIONS[0], "python")[0], finished)
    assert set(optical["model"]) == {"dft_ef", "dft_e", "delta_ccsd(t)"}
    assert optical["mean_cm1"].between(1299, 1312).all()
    lost = eval(blocks(QUESTIONS[2], "python")[0], finished)
    assert set(lost.query("title == 'ML(DFT_E)'")["verdict"]) == {"no better than a constant"}
    warm = eval(blocks(QUESTIONS[5], "python")[0], finished)
    assert len(warm) == 2, "two sizes"
    assert (warm["min_heat_capacity_J_K_mol"] == warm["max_heat_capacity_J_K_mol"]).all(), "the same force constants"
    seeds = finished["diamond"].thermal([300.0])
    assert {one.properties.heat_capacity_J_K_mol[0] for one in seeds} == set(warm["min_heat_capacity_J_K_mol"])
    assert finished["every"].names == ("my-diamond",)
