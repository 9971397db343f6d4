"""Levels that are the user's: names, methods, functionals, chains of differences, and composites of two engines."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import label_requests
from campaign.planning.plan import Plan, plan
from campaign.report.harvest import Harvest
from campaign.report.methods import sum_text
from campaign.report.write import write_report
from campaign.results import open_campaign
from campaign.spec import ResolvedSpec, SpecError, load_spec
from campaign.spec.chains import Chains
from campaign.steering.submit import advance, submit
from flows.keys import job_uuid
from flows.labelling.engines.task import LabelTask
from flows.training.force_constants.settings import ForceConstantTask
from flows.training.settings import SummingTask, TrainingTask
from launchers.farm import Farm
from launchers.workers.settings import WorkerSettings
from launchers.workers.worker import Worker

if TYPE_CHECKING:
    from campaign.results.campaign import Campaign

ASKED = """\
campaign: composite
systems:
  copper:
    structure: {prototype: fcc, symbols: [Cu], a: 3.6}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2], big: [2, 2, 2]}
    levels:
      dft: {engine: waves, forces: true, functional: PBE}
      dft_gamma: {engine: orbitals, method: dft, in_place_of: dft}
      ccsd(t): {engine: orbitals, structures: 6}
    sampling: {rattles: {count: 14, displacements_A: [0.03, 0.06]}}
engines:
  waves: {kind: ase, calculator: "ase.calculators.emt:EMT"}
  orbitals: {kind: ase, calculator: "ase.calculators.emt:EMT", arguments: {asap_cutoff: true}, stands_for: {dft: true, ccsd(t): false}}
models: [dft_ef, ccsd(t)-dft_gamma]
training: {seeds: [1], sizes: [full]}
mace: {preset: small, hidden_irreps: 2x0e + 2x1o, max_epochs: 1, difference: {max_epochs: 1}}
phonons: {mesh: [2, 2, 2], points_per_segment: 3}
"""
LEVELS = "systems.copper.levels"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(ASKED)
    return path


def asked(written: Path, *overrides: str) -> ResolvedSpec:
    return load_spec(written, overrides).resolved


def of_stage(planned: Plan, stage: str, model: str):
    (found,) = (work for work in planned.of_stage(stage) if work.model == model)
    return found


MENDED = {
    "in another spelling": ((f"{LEVELS}.ccsd_t={{engine: orbitals}}",), "'ccsd_t' is no level of theory; did you mean ccsd(t)?"),
    "in capitals": ((f"{LEVELS}.HSE06={{engine: orbitals}}",), "'HSE06' is no level of theory; did you mean hse06?"),
    "a difference": ((f"{LEVELS}.rpa-dft={{engine: orbitals}}",), "'rpa-dft' names no level: a level is named by small letters"),
    "the end of a model": ((f"{LEVELS}.dft_e={{engine: orbitals}}",), "'dft_e' names no level"),
    "a model of no level": (("models=[dft_ef,rpa-dft]",), "models[1]: 'rpa' is no level of theory, and none of levels; known: dft"),
    "no method of the engine": (
        (f"{LEVELS}.rpa={{engine: orbitals}}",),
        "levels.rpa.engine: orbitals (ase) computes no rpa; it has dft, ccsd(t): say which of these rpa is, as in method: dft",
    ),
    "another method": ((f"{LEVELS}.rpa={{engine: orbitals, method: hf}}",), "levels.rpa.method: orbitals (ase) computes no hf; it has dft, ccsd(t)"),
    "a method without an engine": ((f"{LEVELS}.rpa={{method: dft}}",), "levels.rpa.method: says what an engine computes, and none is named"),
    "the labels of another level": (
        (f"{LEVELS}.pbe={{engine: waves, method: dft}}",),
        "levels.pbe.engine: waves computes dft for dft already: pbe would be the same labels",
    ),
    "forces that there are not": (
        (f"{LEVELS}.cc={{engine: orbitals, method: ccsd(t), forces: true}}",),
        "levels.cc.forces: orbitals (ase) has no forces at ccsd(t); remove it",
    ),
    "in place of nothing": ((f"{LEVELS}.dft_gamma.in_place_of=pbe",), "levels.dft_gamma.in_place_of: 'pbe' is no other level of this system"),
    "in place of itself": ((f"{LEVELS}.dft_gamma.in_place_of=dft_gamma",), "'dft_gamma' is no other level of this system"),
    "in place of a stand-in": (
        (f"{LEVELS}.ccsd(t).in_place_of=dft_gamma",),
        "levels.ccsd(t).in_place_of: dft_gamma is in place of dft itself; name that",
    ),
    "a stand-in of no use": (("models=[dft_ef,ccsd(t)-dft]",), "dft_gamma.in_place_of: nothing of models is taken against dft_gamma; add"),
    "two bases": (
        ("models=[dft_ef,dft_gamma_ef,ccsd(t)-dft_gamma]",),
        "models: ccsd(t)-dft_gamma could be added to dft_gamma_ef and, as dft_gamma is in_place_of dft, dft_ef: remove dft_gamma_ef",
    ),
    "no base": (("models=[ccsd(t)-dft_gamma]",), "models: ccsd(t)-dft_gamma is added to dft_ef, which is not in the list; add dft_ef"),
    "no base of a chain": (
        ("models=[dft_ef,ccsd(t)-dft_gamma,mp2-hf]",),
        "models: mp2-hf is added to hf_ef, which is not in the list; add hf_ef, or a difference that leads to hf (as hf-dft), or, where hf",
    ),
    "a circle": (("models=[dft_ef,ccsd(t)-dft_gamma,mp2-hf,hf-mp2]",), "mp2-hf and hf-mp2 are added to each other: one of them needs a model"),
    "two ways to one level": (
        ("models=[dft_ef,ccsd(t)-dft_gamma,ccsd(t)-dft]",),
        "models: ccsd(t)-dft_gamma and ccsd(t)-dft both lead to ccsd(t): their sums would both be delta_ccsd(t); keep one here",
    ),
}


@pytest.mark.parametrize(("overrides", "message"), MENDED.values(), ids=MENDED)
def test_what_cannot_be_meant_is_said_before_anything_runs(written, overrides, message):
    with pytest.raises(SpecError) as caught:
        load_spec(written, overrides)
    assert message in str(caught.value)


def test_any_level_from_data_or_an_engine_in_any_difference(tmp_path):
    from toy_campaign import frames, raised, write

    write(tmp_path / "dft.xyz", frames(), format="extxyz")
    write(tmp_path / "hse.xyz", raised(frames()), format="extxyz")
    (tmp_path / "c.yaml").write_text("""\
campaign: names
systems:
  carbon:
    structure: {prototype: diamond, symbols: [C], a: 3.56}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2]}
    levels:
      dft-d3: {data: dft.xyz, forces: true, functional: PBE}
      hse06: {data: hse.xyz, functional: HSE06}
      r2scan: {engine: pyscf, functional: PBEsol, forces: true}
      rpa: {engine: springs, structures: half}
engines:
  springs: {kind: ase, calculator: "ase.calculators.emt:EMT", stands_for: {rpa: false}}
  pyscf: {pseudo_dft: gth-pbe}
models: [dft-d3_ef, hse06-dft-d3, rpa-hse06, r2scan_e, hse06_e]
training: {seeds: [1], sizes: [full]}
""")
    from campaign.records import labels

    loaded = load_spec(tmp_path / "c.yaml")
    read = {name: one for name, (one, _) in labels.read_all(loaded.resolved, labels.from_disk(loaded.files)).items()}
    by_key = labels.read_all(loaded.resolved, labels.from_disk(loaded.files))["carbon"]
    structures = {"carbon": labels.structures_of(*by_key, "dft-d3")}
    planned = plan(loaded.resolved, Knowledge(read, structures=structures))
    assert planned.gaps == ()
    trained = {work.model: work.task for work in planned.of_stage("train")}
    assert list(trained) == ["dft-d3_ef", "hse06-dft-d3", "r2scan_e", "hse06_e", "rpa-hse06"]
    assert {len(task.train + task.valid) for task in trained.values()} == {12, 6}
    (chain,) = (work for work in planned.of_stage("sum") if work.model == "delta_rpa")
    assert [planned.work[key].model for key in chain.needs] == ["dft-d3_ef", "hse06-dft-d3", "rpa-hse06"]
    assert chain.title == "sum ΔML(RPA) of carbon, seed 1, full"
    assert loaded.resolved.systems["carbon"].method("r2scan") == "dft"


def test_one_engine_with_two_functionals_is_two(written):
    spec = asked(
        written,
        "engines.pyscf={kind: pyscf, pseudo_dft: gth-pbe}",
        f"{LEVELS}.pbesol={{engine: pyscf, functional: PBEsol, forces: true}}",
        f"{LEVELS}.lda={{engine: pyscf, functional: LDA}}",
        "systems.copper.structure={prototype: diamond, symbols: [C], a: 3.56}",
        "systems.copper.levels.dft.engine=pyscf",
        f"{LEVELS}.dft_gamma.functional=BLYP",
        f"{LEVELS}.dft_gamma.engine=pyscf",
        f"{LEVELS}.ccsd(t).engine=pyscf",
    )
    cells = spec.systems["copper"]
    named = {level: (one.engine, cells.method(level)) for level, one in cells.levels.items()}
    assert named == {
        "dft": ("pyscf", "dft"),
        "dft_gamma": ("pyscf_blyp", "dft"),
        "ccsd(t)": ("pyscf", "ccsd(t)"),
        "pbesol": ("pyscf_pbesol", "dft"),
        "lda": ("pyscf_lda", "dft"),
    }
    assert {name: one.functional for name, one in cells.engines.items()} == {
        "pyscf": "pbe", "pyscf_blyp": "blyp", "pyscf_pbesol": "pbesol", "pyscf_lda": "lda"
    }  # fmt: skip


def test_a_level_of_another_name_has_the_labels_of_what_it_is(written):
    spec = asked(written)
    renamed = load_spec(
        written,
        [f"{LEVELS}={{dft: {{engine: orbitals, functional: PBE}}}}", "models=[dft_e]", "engines.waves={kind: pyscf}"],
    ).resolved
    (here, there) = (label_requests(one, "copper", Knowledge()) for one in (spec, renamed))
    mine = here.labels["dft_gamma"]
    assert len(mine) == 6
    assert {key: there.labels["dft"][key] for key in mine} == mine


def test_a_composite_labels_what_is_needed_and_pairs_on_one_structure(written):
    planned = plan(asked(written), Knowledge())
    assert planned.gaps == ()
    requests = planned.requests["copper"]
    assert {level: len(keys) for level, keys in requests.labels.items()} == {"dft": 14, "dft_gamma": 6, "ccsd(t)": 6}
    assert list(requests.labels["dft_gamma"]) == [one for one in requests.labels["dft"] if one in requests.labels["ccsd(t)"]]
    task = of_stage(planned, "train", "ccsd(t)-dft_gamma").task
    assert isinstance(task, TrainingTask)
    assert task.labelled_as == ("ccsd(t)", "dft", "dft")
    for row in task.train + task.valid:
        assert [requests.places[key][1] for key in row] == ["ccsd(t)", "dft_gamma", "dft"]
        assert len({requests.places[key][0] for key in row}) == 1
    total = of_stage(planned, "sum", "delta_ccsd(t)")
    assert [planned.work[key].model for key in total.needs] == ["dft_ef", "ccsd(t)-dft_gamma"]
    assert isinstance(total.task, SummingTask)
    assert {part: len(rows) for part, rows in total.task.beside.items()} == {part: len(keys) for part, keys in total.task.labels.items()}
    engines = {work.task.engine.arguments.get("asap_cutoff", False): set() for work in planned.of_stage("label") if isinstance(work.task, LabelTask)}
    for work in planned.of_stage("label"):
        engines[work.task.engine.arguments.get("asap_cutoff", False)] |= {level for item in work.task.items for level in item.levels}
    assert engines == {False: {"dft"}, True: {"dft", "ccsd(t)"}}


def test_a_composite_with_a_target_asks_for_the_lower_level_in_the_same_rounds(written):
    spec = asked(
        written,
        "models=[dft_ef,ccsd(t)-dft_gamma_fc]",
        f"{LEVELS}.ccsd(t)={{engine: orbitals, draw: informative, until: {{modes_cm1: 1}}}}",
        "systems.copper.sampling.rattles.count=30",
    )
    planned = plan(spec, Knowledge())
    counts = {level: len(keys) for level, keys in planned.requests["copper"].labels.items()}
    assert counts == {"dft": 30, "dft_gamma": 12, "ccsd(t)": 12}
    forecasts = [work.task for work in planned.of_stage("forecast")]
    assert [len(task.labelled) for task in forecasts] == [0, 12]
    assert {len(row) for task in forecasts for row in task.labelled} == {3}
    assert {key for task in forecasts for key in task.pool} == set(planned.requests["copper"].labels["dft"].values())
    fit = of_stage(planned, "train", "ccsd(t)-dft_gamma_fc").task
    assert isinstance(fit, ForceConstantTask)
    assert fit.labelled_as == ("ccsd(t)", "dft", "dft")


def test_rounds_need_forces_below(written):
    with pytest.raises(SpecError, match="rounds need forces of dft, to which ccsd"):
        load_spec(
            written,
            [
                "models=[hf_ef,dft-hf,ccsd(t)-dft_fc]",
                f"{LEVELS}={{hf: {{engine: waves, method: dft, forces: true}}, dft: {{engine: orbitals}},"
                " ccsd(t): {engine: orbitals, draw: informative, until: {modes_cm1: 1}}}",
            ],
        )


@pytest.mark.parametrize(
    ("models", "standing", "model", "parts", "rows", "total"),
    [
        (["dft_ef", "hf-dft"], {}, "hf-dft", "dft_ef hf-dft", "hf dft", "hf"),
        (["dft_ef", "hf-dft", "mp2-hf"], {}, "mp2-hf", "dft_ef hf-dft mp2-hf", "mp2 hf", "mp2"),
        (["dft_ef", "hf_ef", "hf-dft", "mp2-hf"], {}, "mp2-hf", "hf_ef mp2-hf", "mp2 hf", "mp2"),
        (["dft_ef", "hf-dft", "hf-dft_fc", "mp2-hf_fc"], {}, "mp2-hf_fc", "dft_ef hf-dft_fc mp2-hf_fc", "mp2 hf", "mp2"),
        (["dft_ef", "hf-dft", "mp2-hf_fc"], {}, "mp2-hf_fc", "dft_ef hf-dft mp2-hf_fc", "mp2 hf", "mp2"),
        (["dft_ef", "mp2-pbe"], {"pbe": "dft"}, "mp2-pbe", "dft_ef mp2-pbe", "mp2 pbe dft", "mp2 pbe dft"),
        (["dft_ef", "hf-pbe", "mp2-hf"], {"pbe": "dft"}, "mp2-hf", "dft_ef hf-pbe mp2-hf", "mp2 hf hf pbe dft", "mp2 pbe dft"),
    ],
)
def test_chains(models, standing, model, parts, rows, total):
    chains = Chains(tuple(models), standing)
    assert chains.parts(model) == tuple(parts.split())
    assert chains.trained_on(model) == tuple(rows.split())
    assert chains.stands_for(model) == tuple(total.split())


@pytest.mark.slow
def test_a_composite_from_yaml_to_page(written, farm: Farm, tmp_path, monkeypatch):
    """EMT for plane waves; for orbitals EMT with another cutoff, and 1.2 times that for the level above."""
    monkeypatch.chdir(tmp_path)
    overrides = [
        "models=[dft_ef,ccsd(t)-dft_gamma_fc]",
        "labelling={structures_per_job: 20, pilots: 1}",
        "systems.copper.levels.ccsd(t)={engine: above, structures: 12}",
        "engines.above={kind: ase, calculator: 'file_calculators:Raised', arguments: {factor: 1.2}, stands_for: {ccsd(t): false}}",
    ]
    loaded = load_spec(written, overrides)
    submit(farm, loaded)
    Worker(farm, WorkerSettings(tmp_path / "runs", until_empty=True, patience_s=1.0, then=advance)).run()
    campaign = open_campaign(farm, "composite")
    (total,) = campaign.sums()
    (base,), (difference,) = ([one.record for one in campaign.trainings() if one.work.model == name] for name in ("dft_ef", "ccsd(t)-dft_gamma_fc"))
    requests = campaign.plan.requests["copper"]
    energies = {key: farm.records([job_uuid(key)])[job_uuid(key)]["energy_eV"] for key in requests.places}
    off = []
    for structure, label in requests.labels["ccsd(t)"].items():
        wanted = energies[label] - energies[requests.labels["dft_gamma"][structure]] + energies[requests.labels["dft"][structure]]
        if label in campaign.plan.work[total.work.key].task.labels["train"]:
            fit = difference.force_constants
            off.append((1 + fit.slope) * base.predictions_eV[structure] + fit.without_base_eV[structure] - wanted)
    assert total.record.errors["train"].energy_meV_atom == pytest.approx(1e3 * float(np.sqrt(np.mean(np.square(off)))) / 4)
    assert difference.force_constants.slope == pytest.approx(0.2, abs=0.01)  # all that there is: nothing is left to learn
    write_report(campaign, tmp_path / "page")
    text = (tmp_path / "page" / "index.html").read_text()
    assert "ΔFC(CCSD(T)) stands for CCSD(T) - DFT<sub>Γ</sub> + DFT" in text
    assert "added to DFT (DFT by ase.calculators.emt:EMT)" in text


def test_the_report_says_what_was_added_to_what(written):
    spec = asked(written)
    harvest = Harvest(cast("Campaign", SimpleNamespace(spec=spec)))
    assert (harvest.base("delta_ccsd(t)"), harvest.below("delta_ccsd(t)")) == ("dft", "dft_ef")
    assert harvest.level_itself("dft_ef") == "dft"
    assert harvest.level_itself("delta_ccsd(t)") == ""  # nobody can compute phonons of a composite itself
    assert sum_text(harvest, spec.systems["copper"], "dft_ef") == ""
    said = sum_text(harvest, spec.systems["copper"], "delta_ccsd(t)")
    assert said.startswith("ΔML(CCSD(T)) = ML(DFT_EF) + ML(CCSD(T)-DFT_Γ): CCSD(T) - DFT_Γ (CCSD(T) and DFT_Γ by ase.calculators.emt:EMT with")
    assert 'added to DFT (DFT by ase.calculators.emt:EMT); it stands for CCSD(T) - DFT_Γ + DFT' in said
    chain = asked(written, f"{LEVELS}={{dft: {{engine: waves, forces: true}}, ccsd(t): {{engine: orbitals}}, rpa: {{}}}}", "models=[dft_ef,ccsd(t)-dft,rpa-ccsd(t)]")
    above = Harvest(cast("Campaign", SimpleNamespace(spec=chain)))
    assert (above.base("delta_rpa"), above.below("delta_rpa")) == ("ccsd(t)", "delta_ccsd(t)")
    assert sum_text(above, chain.systems["copper"], "delta_rpa") == "ΔML(RPA) = ML(DFT_EF) + ML(CCSD(T)-DFT) + ML(RPA-CCSD(T))."
    assert sum_text(above, chain.systems["copper"], "delta_ccsd(t)") == ""
