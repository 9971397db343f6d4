"""One registry of stages: complete, and what is not in it is an error."""

from __future__ import annotations

import re

import pytest

from campaign.cli.options import StageOption
from campaign.planning.stages import STAGES, categories, find_stage
from campaign.planning.work import Work
from campaign.steering.seal import job
from flows.toys import ToyTask


def test_an_unknown_stage_is_an_error() -> None:
    with pytest.raises(ValueError, match="no stage 'md'; there are sample, label"):
        find_stage("md")
    with pytest.raises(ValueError, match="no stage 'md'"):
        job(Work("k", "md", "s", "m", 1, "full", (), ToyTask(key="k")))


def test_the_command_line_names_every_stage_and_no_other() -> None:
    (option,) = StageOption.__metadata__
    assert set(re.findall(r"[a-z]+", option.help.partition(":")[2])) == {*STAGES, "or"}


def test_every_stage_delivers_a_record_with_a_key() -> None:
    for stage in STAGES.values():
        assert "key" in stage.record.model_fields, stage.name
        assert stage.category in categories()


@pytest.mark.usefixtures("no_database")
def test_a_mistyped_category_is_refused(latticefarm) -> None:
    assert "no category 'trian'; did you mean train?" in latticefarm("work", "--category", "trian").complaint
