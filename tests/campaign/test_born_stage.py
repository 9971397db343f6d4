"""Born charges that a campaign has computed: asked for, planned, stored, and then the `nac` of its system."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from pseudopotentials import upf

from campaign.planning.born import with_born
from campaign.planning.knowledge import Knowledge
from campaign.planning.plan import plan
from campaign.spec import LoadedSpec, ResolvedSpec, SpecError, load_spec
from flows.records import BornCharges

OUTPUTS = Path(__file__).parents[1] / "phonons" / "outputs"
ASKED = """\
campaign: charges
systems:
  alas:
    structure: {prototype: zincblende, symbols: [Al, As], a: 5.6093}
    cells: {training: [1, 1, 1], phonons: [1, 1, 1], big: [1, 1, 1]}
    levels: {dft: {engine: lj, forces: true, phonons: true}}
    sampling: {rattles: {count: 4, displacements_A: [0.03]}}
    nac: %s
engines:
  lj: {kind: ase, calculator: "ase.calculators.lj:LennardJones", arguments: {sigma: 2.2, rc: 5}}
  espresso: {pseudopotentials: {Al: Al.UPF, As: As.UPF}, functional: lda, ecutwfc_Ry: 12, kspacing_per_A: 0.6, command: bin/pw.x}
models: [dft_ef]
training: {seeds: [1], sizes: [full]}
mace: {preset: small, max_epochs: 1}
labelling: {pilots: 1}
phonons: {mesh: [2, 2, 2], points_per_segment: 3}
"""
XML = """<espresso><output><convergence_info><scf_conv><convergence_achieved>true</convergence_achieved><n_scf_steps>5</n_scf_steps>
<scf_error>1e-12</scf_error></scf_conv></convergence_info><total_energy><etot>-8</etot></total_energy><forces>0 0 0 0 0 0</forces></output></espresso>"""
PW = f"mkdir -p pwscf.save; cat > pwscf.save/data-file-schema.xml <<'X'\n{XML}\nX"


def program(path: Path, script: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(stat.S_IRWXU)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for symbol, valence in {"Al": 3, "As": 5}.items():
        (tmp_path / f"{symbol}.UPF").write_text(upf(symbol, valence))
    program(tmp_path / "bin" / "pw.x", PW)
    program(tmp_path / "bin" / "ph.x", f"cat {OUTPUTS / 'ph_alas.out'}")
    (tmp_path / "ph.out").write_bytes((OUTPUTS / "ph_alas.out").read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(nac: str = "{engine: espresso}", *overrides: str) -> LoadedSpec:
    Path("c.yaml").write_text(ASKED % nac)
    return load_spec("c.yaml", [f"engines.espresso.command={Path.cwd()}/bin/pw.x", *overrides])


def complaint(nac: str = "{engine: espresso}", *overrides: str) -> str:
    with pytest.raises(SpecError) as caught:
        load(nac, *overrides)
    return str(caught.value)


def stages(asked: ResolvedSpec, known: Knowledge) -> dict[str, list[str]]:
    made = plan(asked, known)
    return {stage: [work.key for work in made.of_stage(stage)] for stage in ("born", "phonons")}


@pytest.mark.usefixtures("folder")
class TestAsked:
    def test_it_is_one_job_and_no_number_yet(self):
        loaded = load("{engine: espresso, method: wang}")
        system = loaded.resolved.systems["alas"]
        assert system.nac is None
        assert system.awaits_born
        assert {path.name for path in loaded.files.values()} == {"Al.UPF", "As.UPF"}
        kept = loaded.resolved.model_dump(mode="json")
        assert ResolvedSpec.model_validate(kept).model_dump(mode="json") == kept
        (work,) = plan(loaded.resolved, Knowledge()).of_stage("born")
        assert work.title == "Born charges of alas by espresso"
        assert "phonons" not in {one.stage for one in plan(loaded.resolved, Knowledge()).work.values()}

    def test_charges_that_were_computed_are_those_of_a_file(self):
        """Phonons have the same keys as with `nac: {file: ph.out}`."""
        asked, by_file = load().resolved, load("{file: ph.out}").resolved
        nac = by_file.systems["alas"].nac
        assert nac is not None
        record = BornCharges(key="k", system="alas", born_charges=nac.born_charges, dielectric=nac.dielectric, missed_e=0.05)
        assert with_born(asked, {"alas": record}).systems["alas"].nac == nac
        theirs = stages(by_file, Knowledge())
        assert theirs["phonons"]
        assert stages(asked, Knowledge(born={"alas": record}))["phonons"] == theirs["phonons"]
        assert not theirs["born"]

    def test_its_key_has_what_decides_numbers(self):
        (before,) = stages(load().resolved, Knowledge())["born"]
        same = [load("{engine: espresso, method: wang}"), load("{engine: espresso}", "engines.espresso.ph_command=mpirun ph.x")]
        others = [
            load("{engine: espresso}", "engines.espresso.ecutwfc_Ry=14"),
            load("{engine: espresso}", "engines.espresso.namelists={inputph: {tr2_ph: 1e-12}}"),
            load("{engine: espresso, sum_rule_e: 0.2}"),
            load("{engine: espresso}", "systems.alas.structure.a=5.65"),
        ]
        assert [stages(one.resolved, Knowledge())["born"] for one in same] == [[before]] * 2
        keys = {stages(one.resolved, Knowledge())["born"][0] for one in others}
        assert len(keys | {before}) == 5

    @pytest.mark.parametrize(
        ("nac", "overrides", "says"),
        [
            ("{engine: expresso}", (), "systems.alas.nac.engine: no engine 'expresso' in engines; did you mean espresso?"),
            ("{engine: lj}", (), "systems.alas.nac.engine: lj (ase) computes no Born charges"),
            ("{engine: espresso, file: ph.out}", (), "systems.alas.nac.engine: does not go with file"),
            ("{engine: espresso, dielectric: 4}", (), "systems.alas.nac.dielectric: does not go with engine"),
            ("{method: wang}", (), "give born_charges and dielectric, or file, or engine"),
            ("{engine: espresso}", ("engines.espresso.smearing=gaussian", "engines.espresso.degauss_Ry=0.01"), "engines.espresso.smearing: Born charges"),
            ("{engine: espresso}", ("engines.espresso.functional=pbe",), "Al.UPF was made for lda"),
        ],
        ids=["unknown", "none", "two", "half", "nothing", "metal", "functional"],
    )
    def test_what_cannot_be_is_refused_in_its_place(self, nac, overrides, says):
        assert says in complaint(nac, *overrides)

    def test_what_is_missing_is_noted(self, folder):
        (folder / "bin" / "ph.x").unlink()
        assert any(f"{folder}/bin/ph.x is not on this machine" in note for note in load().notes)
        assert not any("ph.x" in note for note in load("{file: ph.out}").notes)

    def test_a_mesh_is_said_to_be_of_the_primitive_cell(self):
        mesh = ("engines.espresso.kspacing_per_A=null", "engines.espresso.kpoints=[3, 3, 3]")
        assert any("3 x 3 x 3 are those of the primitive cell too" in note for note in load("{engine: espresso}", *mesh).notes)


class TestComputed:
    def work(self, farm, folder: Path, *categories: str) -> None:
        from campaign.steering.submit import advance
        from launchers.workers.settings import WorkerSettings
        from launchers.workers.worker import Worker

        how = WorkerSettings(run_root=folder / "runs", categories=categories, until_empty=True, then=advance)
        Worker(farm, how).run()

    def test_phonons_are_asked_for_when_they_are_there(self, farm, folder, latticefarm):
        from campaign.results.opening import open_campaign
        from campaign.steering.submit import submit

        loaded = load()
        shown = latticefarm("plan", "c.yaml", "--set", f"engines.espresso.command={folder}/bin/pw.x")
        assert "alas: phonons are counted when its Born charges are there" in shown.out
        (work,) = plan(loaded.resolved, Knowledge()).of_stage("born")
        shown = latticefarm("plan", "c.yaml", "--set", f"engines.espresso.command={folder}/bin/pw.x", "--show", work.key)
        inputs = json.loads(shown.out)["inputs"]
        assert "epsil            = .true." in inputs["espresso.phi"]
        assert "Al.UPF (sha256" in inputs["Al.UPF"]

        submit(farm, loaded)
        self.work(farm, folder, "label")
        campaign = open_campaign(farm, "charges")
        (born,) = campaign.of_stage("born")
        assert born.record.missed_e == pytest.approx(0.0501, abs=1e-4)
        assert np.abs(np.sum(born.record.born_charges, axis=0)).max() < 1e-9
        by_file = load("{file: ph.out}").resolved.systems["alas"].nac
        assert campaign.spec.systems["alas"].nac == by_file
        assert {work.model for work in campaign.plan.of_stage("phonons")} == {"dft", "dft_ef"}

        archive = folder / "charges.zip"
        said = latticefarm("export", "charges", "archive", archive)
        assert said.code == 0, said
        with ZipFile(archive) as kept:
            (name,) = [one for one in kept.namelist() if one.endswith("spec.json")]
            assert ResolvedSpec.model_validate(json.loads(kept.read(name))).systems["alas"].awaits_born

        submit(farm, loaded)  # `advance` may still rest where the machine is busy
        self.work(farm, folder, "analyse")
        (phonons,) = open_campaign(farm, "charges").phonons()
        assert by_file is not None
        assert phonons.record.nac is not None
        assert (phonons.record.nac.born_charges, phonons.record.nac.dielectric) == (by_file.born_charges, by_file.dielectric)
        load()
        said = latticefarm("plan", "c.yaml", "--set", f"engines.espresso.command={folder}/bin/pw.x").out
        assert "alas: the Born charges sum to 0.0501 e instead of zero" in " ".join(said.split())
        assert "are counted when" not in said

    def test_charges_beyond_the_bound_are_a_failure_with_its_reason(self, farm, folder, latticefarm):
        from campaign.steering.submit import submit

        loaded = load("{engine: espresso, sum_rule_e: 0.01}")
        submit(farm, loaded)
        self.work(farm, folder, "label")
        said = json.loads(latticefarm("results", "charges", "failures", "--json").out)
        (failure,) = [one for one in said if one["stage"] == "born"]
        assert failure["kind"] == "bad-charges"
        assert "sum to zero" in failure["message"]
        submit(farm, replace(loaded, resolved=load("{engine: espresso, sum_rule_e: 0.2}").resolved))
        self.work(farm, folder, "label")
        assert not json.loads(latticefarm("results", "charges", "failures", "--json").out)
