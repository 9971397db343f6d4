"""Long MD as a stage of a campaign: what is asked, what is refused, and one that runs."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from campaign.planning.knowledge import Knowledge
from campaign.planning.plan import plan
from campaign.results import TABLES
from campaign.results.render import for_terminal
from campaign.spec import SpecError, load_spec
from campaign.steering.status import State, states

MD = "dynamics={models: [dft_ef, delta_hf], seeds: [1], steps: 900, equilibration_steps: 50, starts: 2, vibrations: {resolution_cm1: 250}}"


@pytest.fixture
def spec(tmp_path, write_campaign):
    return write_campaign(tmp_path, seeds=2, epochs=1, sizes=("full",))


def stages(spec, *overrides: str) -> tuple:
    from campaign.records import labels

    loaded = load_spec(spec, overrides)
    sets = {name: one[0] for name, one in labels.read_all(loaded.resolved, labels.from_disk(loaded.files)).items()}
    made = plan(loaded.resolved, Knowledge(sets))
    return made.of_stage("vibrations"), made


def test_md_is_asked_of_the_models_seeds_and_sizes_that_are_named(spec):
    asked, _ = stages(spec, MD)
    assert {(work.model, work.seed, work.size) for work in asked} == {("dft_ef", 1, "full"), ("delta_hf", 1, "full")}
    assert {len(work.needs) for work in asked if work.model == "delta_hf"} == {2}


def test_without_a_section_there_is_no_md_and_no_other_key_changes(spec):
    none, without = stages(spec)
    assert none == []
    _, with_md = stages(spec, MD)
    assert set(without.work) < set(with_md.work)


def test_every_md_has_one_hessian_of_its_own_cell(spec):
    wider = ("training.sizes={full: full, half: 10}", MD.replace("seeds: [1], ", "sizes: [full, half], "))
    asked, made = stages(spec, *wider)
    beside = made.of_stage("hessian")
    assert len(asked) == 2 * 2 * 2  # models, seeds, sizes
    assert [(work.system, work.model, work.seed, work.size, work.needs) for work in beside] == [
        (work.system, work.model, work.seed, work.size, work.needs) for work in asked
    ]
    for work in beside:
        assert work.task.nac is None
        assert round(abs(np.linalg.det(work.task.supercell))) == 32  # a 2x2x2 cell of 4 atoms, one in the primitive


def test_the_cell_of_the_md_makes_another_hessian_and_how_long_it_runs_does_not(spec):
    def keys(*overrides):
        return {work.key for work in stages(spec, *overrides)[1].of_stage("hessian")}

    before = keys(MD)
    assert keys(MD.replace("steps: 900", "steps: 1200")) == before
    assert keys(MD, "systems.copper.cells.big=[3, 3, 3]").isdisjoint(before)
    assert keys(MD, "phonons.displacement_A=0.02").isdisjoint(before)


def test_a_campaign_that_had_its_md_is_asked_for_the_hessians_alone(spec):
    """All that a version without the stage has computed is done: MD is not computed again."""
    _, made = stages(spec, MD)
    done = {key for key, work in made.work.items() if work.stage != "hessian"}
    found = states(made, done, {})
    left = [made.work[key] for key, state in found.items() if state is State.MISSING]
    assert {key for key, state in found.items() if state is State.DONE} == done
    assert [work.stage for work in left] == ["hessian", "hessian"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("dynamics={models: [delta_mp2]}", "'delta_mp2' is not trained by this campaign"),
        ("dynamics={models: [hf-dft]}", "'hf-dft' is not trained by this campaign; did you mean"),
        ("dynamics={models: [dft_ef], seeds: [7]}", "7 is not trained by this campaign"),
        ("dynamics={models: [dft_ef], sizes: [half]}", "'half' is not trained by this campaign"),
        ("dynamics={models: [dft_ef], steps: 100}", "resolution_cm1"),
        ("dynamics={models: [dft_ef], timestep: 1}", "timestep"),
    ],
)
def test_md_that_cannot_be_is_refused(spec, wrong, said):
    with pytest.raises(SpecError, match="dynamics") as error:
        load_spec(spec, [wrong])
    assert said in str(error.value)


def on_terminal(frame) -> str:
    """What a terminal of 120 columns shows; no header may be cut."""
    console = Console(width=120, file=io.StringIO(), highlight=False)
    for part in for_terminal(TABLES["vibrations"], frame):
        console.print(part)
    shown = console.file.getvalue()
    heads = {word for column in TABLES["vibrations"].shown for word in (column.header or "").split()}
    assert heads <= set(shown.split())
    assert max(map(len, shown.splitlines())) <= 120
    return shown


def test_a_campaign_ends_in_a_density_of_states(spec, farm, tmp_path):
    from campaign.results import open_campaign
    from campaign.steering.submit import advance, submit
    from launchers.workers.settings import WorkerSettings
    from launchers.workers.worker import Worker

    md = MD.replace("delta_hf", "dft_ef").replace("[dft_ef, dft_ef]", "[dft_ef]")
    submit(farm, load_spec(spec, [md, "models=[dft_ef]", "training.seeds=[1]", "systems.copper.cells.big=[1, 1, 1]"]))
    Worker(farm, WorkerSettings(tmp_path / "runs", until_empty=True, patience_s=1.0, then=advance)).run()
    (result,) = open_campaign(farm, "toy").vibrations()
    assert result.record.atoms == 4
    assert len(result.record.starts) == 2
    # three states for the one atom of the primitive cell
    assert result.record.normalized_to == pytest.approx(3.0)
    area = np.trapezoid(result.record.total, result.record.frequencies_cm1)
    assert 0 < area <= 3.01
    (beside,) = open_campaign(farm, "toy").hessians()
    assert beside.work.needs == result.work.needs
    assert beside.record.nac is None
    (phonons,) = open_campaign(farm, "toy").phonons()  # none of the MD's cell among them
    assert (phonons.work.stage, beside.work.stage) == ("phonons", "hessian")
    frame = open_campaign(farm, "toy").table("vibrations")
    assert list(frame["starts"]) == [2]
    assert frame["measured_temperature_K"][0] > 0
    assert "copper" in on_terminal(frame)


def test_an_md_that_is_not_at_its_temperature_is_named():
    """Of 64 atoms and 2 starts 300 K has a standard deviation of 300 (2/384)^½ = 21.7 K: five of them are 108 K."""
    import pandas as pd

    common = {"system": "lih", "title": "ML(DFT_EF)", "size": "full", "temperature_K": 300.0, "atoms": 64, "starts": 2}
    seen = {1: 300.0, 2: 405.0, 3: 411.0, 4: 190.0}
    frame = pd.DataFrame([{**common, "seed": seed, "measured_temperature_K": value} for seed, value in seen.items()])
    _, *said = TABLES["vibrations"].notes(frame)
    assert ["seed 3" in said[0], "seed 4" in said[1], len(said)] == [True, True, 2]
    assert "had 411 K, which by chance is within 108 K of 300 K" in said[0]
