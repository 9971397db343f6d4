"""Files that the arguments of an engine name: known by what they hold, there where labels are computed, and what becomes
of labels from when they were known by their paths."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ase.calculators.emt import EMT

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import label_requests
from campaign.planning.plan import plan
from campaign.spec import LoadedSpec, SpecError, load_spec
from campaign.steering.enclosures import bring, enclosed
from campaign.steering.submit import advance, planned, submit
from flows.failure import CalculationFailed
from flows.keys import digest, job_uuid
from flows.labelling.engines import given_files
from launchers.farm import FileChanged

ASKED = """\
campaign: files
systems:
  copper:
    structure: {prototype: fcc, symbols: [Cu], a: 3.6}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2], big: [2, 2, 2]}
    levels:
      dft: {engine: mine, forces: true}
    sampling: {rattles: {count: 3, displacements_A: [0.03]}}
engines:
  mine:
    kind: ase
    calculator: file_calculators:Shifted
    arguments:
      shift: SHIFT
labelling: {structures_per_job: 3}
models: [dft_ef]
training: {seeds: [1], sizes: [full]}
mace: {preset: small, max_epochs: 1}
"""
SWEEP = "{sweep: {level: dft, temperatures_K: [100], steps: 20, discard: 10, every: 5}}"
ENGINE = "engines.mine.arguments"


def holding(path: Path, shift_eV: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"shift_eV": shift_eV}))
    return path


@pytest.fixture
def shift(tmp_path: Path) -> Path:
    return holding(tmp_path / "elsewhere" / "shift.json", 1.0)


@pytest.fixture
def written(tmp_path: Path, shift: Path) -> Path:
    (tmp_path / "campaign").mkdir()
    path = tmp_path / "campaign" / "c.yaml"
    path.write_text(ASKED.replace("SHIFT", str(shift)))
    return path


def saying(written: Path, **engine: Any) -> LoadedSpec:
    """The campaign with other keys of its engine."""
    return load_spec(written, [f"engines.mine.{name}={json.dumps(value)}" for name, value in engine.items()])


def keys(loaded: LoadedSpec) -> list[str]:
    return list(label_requests(loaded.resolved, "copper", Knowledge()).places)


def keys_of(loaded: LoadedSpec, arguments: Any) -> list[str]:
    """By the formula that has made the keys in users' databases since the first release."""
    drawn = label_requests(loaded.resolved, "copper", Knowledge()).drawn
    engine = {"kind": "ase", "calculator": "file_calculators:Shifted", "arguments": arguments, "level": "dft", "forces": True}
    return [digest("label", 1, structure=key, engine=engine) for key in drawn]


class TestKeys:
    def test_a_file_is_known_by_what_it_holds_wherever_it_lies(self, written, shift):
        before = keys(load_spec(written))
        moved = holding(written.parent / "models" / "other-name.json", 1.0)
        for name in (str(moved), "models/other-name.json", "./models/other-name.json"):
            assert keys(saying(written, arguments={"shift": name})) == before
        holding(shift, 2.0)
        assert not set(keys(load_spec(written))) & set(before)

    def test_files_are_found_at_any_depth(self, written, shift):
        arguments = {"a": {"b": [1, [{"c": str(shift)}]]}}
        before = keys(saying(written, arguments=arguments))
        assert before != keys_of(load_spec(written), arguments)
        holding(shift, 2.0)
        assert keys(saying(written, arguments=arguments)) != before

    @pytest.mark.parametrize(
        "arguments",
        [
            {"method": "PBE"},
            {"method": "medium", "n": 3, "deep": {"list": [1.5, True, None, "x.y"]}},
            {"command": "mpirun -np 4 /opt/qe/bin/pw.x -in PREFIX.pwi"},
            {"command": "/no/such/pw.x -in PREFIX.pwi"},
            {"command": shutil.which("sh")},
            {"url": "https://example.org/model", "empty": ""},
        ],
    )
    def test_arguments_that_are_no_files_keep_the_keys_that_they_had(self, written, arguments):
        (written.parent / "PBE").write_text("a word is no file, whatever lies beside the campaign")
        loaded = saying(written, arguments=arguments)
        assert keys(loaded) == keys_of(loaded, arguments)
        assert loaded.notes == ()

    def test_of_what_counts_by_its_path_the_keys_are_those_of_before(self, written, shift):
        loaded = saying(written, files={"shift": "path"})
        assert keys(loaded) == keys_of(loaded, {"shift": str(shift)})
        assert "shift.json is known by its path alone, as files says" in loaded.notes[0]

    def test_a_folder_is_known_by_its_files_and_their_names(self, written, shift, tmp_path):
        def asked(folder: Path) -> list[str]:
            return keys(saying(written, arguments={"shift": str(shift), "folder": str(folder)}, files={"folder": "content"}))

        folder, same, renamed, other = (tmp_path / name for name in ("one", "same", "renamed", "other"))
        for place, name, text in ((folder, "Cu", "1"), (same, "Cu", "1"), (renamed, "Ag", "1"), (other, "Cu", "2")):
            (place / "deep").mkdir(parents=True)
            (place / "deep" / f"{name}.json").write_text(text)
        assert asked(folder) == asked(same)
        assert len({tuple(asked(one)) for one in (folder, renamed, other)}) == 3

    def test_a_sweep_moved_by_the_engine_is_known_by_the_content_too(self, written, shift):
        text = written.read_text().replace("{rattles: {count: 3, displacements_A: [0.03]}}", SWEEP)
        written.write_text(text)

        def sweep() -> str:
            (work,) = plan(load_spec(written).resolved, Knowledge()).of_stage("sample")
            return work.key

        before = sweep()
        holding(shift, 2.0)
        assert sweep() != before


class TestWhatIsSaid:
    def refused(self, written: Path, **engine: Any) -> str:
        with pytest.raises(SpecError) as caught:
            saying(written, **engine)
        (line,) = str(caught.value).splitlines()
        return line

    @pytest.mark.usefixtures("no_database")
    def test_plan_names_the_file_and_where_it_is_written(self, written, shift, latticefarm):
        sha256 = hashlib.sha256(shift.read_bytes()).hexdigest()
        out = " ".join(latticefarm("plan", written).out.split())
        assert f"c.yaml:14: {ENGINE}.shift: is the file shift.json (sha256 {sha256[:12]})" in out

    def test_a_missing_file_is_an_error_with_its_line(self, written, shift):
        shift.unlink()
        with pytest.raises(SpecError) as caught:
            load_spec(written)
        assert str(caught.value) == (
            f"{written}:14: {ENGINE}.shift: there is no {shift}; if it is there only where labels are computed, or is written, "
            "say files: {shift: path} beside arguments"
        )

    def test_what_does_not_fit_is_an_error(self, written, shift):
        assert "is a folder: if what is in it decides numbers, say files: {shift: content}" in self.refused(
            written, arguments={"shift": str(shift.parent)}
        )
        assert "no text of arguments is called so; did you mean shift?" in self.refused(written, files={"shitf": "content"})
        assert "has the campaign itself in it" in self.refused(
            written, arguments={"shift": str(written.parent)}, files={"shift": "content"}
        )
        assert "it looks like a pattern" in self.refused(written, arguments={"shift": f"{shift.parent}/*.json"})
        assert "there is no m.json (looked in" in self.refused(written, arguments={"shift": "m.json"}, files={"shift": "content"})
        (written.parent / "empty").mkdir()
        assert "holds 0 files" in self.refused(written, arguments={"shift": "empty"}, files={"shift": "content"})
        assert "should be 'content' or 'path'" in self.refused(written, files={"shift": "contents"})

    def test_a_folder_that_is_only_written_into_counts_by_its_path(self, written, shift):
        arguments = {"shift": str(shift), "deep": {"outdir": str(shift.parent)}}
        before = keys(saying(written, arguments=arguments, files={"deep.outdir": "path"}))
        (shift.parent / "log").write_text("more")
        assert keys(saying(written, arguments=arguments, files={"deep": "path"})) == before

    def test_captions_name_the_file_and_no_path(self, written, shift):
        engine = load_spec(written).resolved.systems["copper"].engines["mine"]
        assert 'with {"shift": "shift.json (sha256 ' in engine.text("dft")
        assert str(shift.parent) not in engine.text("dft")

    def test_a_file_that_is_written_while_it_is_submitted_is_refused(self, farm, written, shift):
        loaded = load_spec(written)
        holding(shift, 3.0)
        with pytest.raises(FileChanged, match=r"shift\.json has changed since it was read"):
            submit(farm, loaded, timedelta(0))


def work(farm: Any, tmp_path: Path) -> int:
    from launchers.workers.settings import WorkerSettings
    from launchers.workers.worker import Worker

    settings = WorkerSettings(tmp_path / "runs", categories=("label",), until_empty=True, then=advance)
    return Worker(farm, settings).run()


def energies(farm: Any) -> dict[str, float]:
    """Stored label energies (eV) without what EMT gives: the shift that they were computed with."""
    found = {}
    for document in farm.outputs.find({"output.level": "dft", "output.energy_eV": {"$exists": True}}):
        from flows.records import Label

        label = Label.model_validate(document["output"])
        atoms = label.structure.atoms()
        atoms.calc = EMT()
        found[label.key] = label.energy_eV - atoms.get_potential_energy()
    return found


@pytest.fixture
def another_host(farm, tmp_path, monkeypatch):  # noqa: ARG001 - its database is found before the home is another
    """A home of its own: nothing was ever copied there."""
    from launchers.database import ladder

    here = ladder.find()
    monkeypatch.setattr(ladder, "find", lambda: here)
    home = tmp_path / "another-host"
    monkeypatch.setenv("LATTICEFARM_HOME", str(home))
    monkeypatch.setenv("LATTICEFARM_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return home


class TestTravel:
    def test_a_host_without_the_path_computes_with_what_was_submitted(self, farm, written, shift, tmp_path, another_host):
        folder = tmp_path / "pseudos"
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "a.json").write_text("0.25")
        (folder / "b.json").write_text("0.125")
        arguments, files = {"shift": str(shift), "folder": str(folder)}, {"folder": "content"}
        loaded = saying(written, arguments=arguments, files=files)
        submit(farm, loaded, timedelta(0))
        shutil.rmtree(folder)
        shutil.rmtree(shift.parent)
        assert work(farm, tmp_path) > 0
        found = energies(farm)
        assert set(found) == set(keys(loaded))
        assert list(found.values()) == pytest.approx([1.375] * 3)
        copies = [path for path in (another_host / "inputs").rglob("*") if path.is_file()]
        assert sorted(path.name for path in copies) == ["a.json", "b.json", "shift.json"]
        assert not any(os.access(path, os.W_OK) for path in copies) or os.geteuid() == 0
        (record,) = {tuple(one["output"]["files"]) for one in farm.outputs.find({"output.level": "dft", "output.files": {"$exists": True}})}
        assert [one.partition(" (")[0] for one in record] == ["shift: shift.json", "folder: pseudos"]

    @pytest.mark.usefixtures("another_host")
    def test_a_damaged_copy_is_made_anew_and_a_whole_one_is_left(self, farm, written):
        loaded = load_spec(written)
        submit(farm, loaded, timedelta(0))
        job, *_ = plan(loaded.resolved, Knowledge()).of_stage("label")
        bring(farm, enclosed(job))
        ((_, given),) = loaded.resolved.systems["copper"].engines["mine"].given_files()
        assert json.loads(given.here.read_text()) == {"shift_eV": 1.0}
        before = given.here.stat()
        bring(farm, enclosed(job))
        assert given.here.stat().st_ino == before.st_ino
        given.here.chmod(0o600)
        given.here.write_text("{")
        bring(farm, enclosed(job))
        assert json.loads(given.here.read_text()) == {"shift_eV": 1.0}
        assert [path.name for path in given.here.parent.iterdir()] == ["shift.json"]

    @pytest.mark.usefixtures("another_host")
    def test_what_the_database_lacks_or_damaged_is_a_failure_in_words(self, farm, written):
        loaded = load_spec(written)
        job, *_ = plan(loaded.resolved, Knowledge()).of_stage("label")
        with pytest.raises(CalculationFailed, match=r"shift\.json cannot be had: .*no such file"):
            bring(farm, enclosed(job))
        submit(farm, loaded, timedelta(0))
        farm.files.put(b"something else", filename=enclosed(job)[0][0])
        with pytest.raises(CalculationFailed, match="damaged in the database"):
            bring(farm, enclosed(job))
        assert not list(given_files.root().rglob("*.json"))


@pytest.mark.usefixtures("another_host")
class TestByPath:
    """Labels of a release that knew files by their paths alone: `files: {shift: path}` has exactly its keys."""

    @pytest.fixture
    def old(self, farm, written, tmp_path, monkeypatch):
        """A campaign whose labels are computed, as that release left it in the database."""
        loaded = saying(written, files={"shift": "path"})
        submit(farm, loaded, timedelta(0))
        work(farm, tmp_path)
        farm.outputs.update_many({}, {"$unset": {"output.taken_for": "", "output.files": ""}})
        assert set(energies(farm)) == set(keys(loaded))
        monkeypatch.setattr("campaign.cli.connect.open_farm", lambda **_: farm)
        return loaded

    def trainings(self, farm: Any, loaded: LoadedSpec) -> set[str]:
        return {one.key for one in planned(farm, loaded.resolved).of_stage("train")}

    def test_they_are_used_nothing_is_computed_and_it_is_said(self, farm, old, written, shift, tmp_path, latticefarm):
        trained = self.trainings(farm, old)
        said = " ".join(latticefarm("plan", written).out.split())
        assert f"3 labels of DFT, copper, are known by the path alone of what mine read ({shift})" in said
        assert "what was there then is not known. They are used as if computed with shift.json (sha256 " in said
        assert "say files: {shift: content} beside the arguments of mine" in said
        assert "by path alone: 3 labels" in " ".join(latticefarm("submit", written).out.split())
        loaded = load_spec(written)
        assert self.trainings(farm, loaded) == trained
        assert work(farm, tmp_path) == 0
        assert set(energies(farm)) == set(keys(old))

        assert "by path alone: 3 labels" in " ".join(latticefarm("status", "files").out.split())
        (fact,) = json.loads(latticefarm("status", "files", "--json").out)["files"]["by_path"]
        assert (fact["labels"], fact["used"], fact["files"][0]["path"]) == (3, True, str(shift))
        assert "by path alone: 3 labels" in latticefarm("results", "files", "labels").error

    @pytest.mark.usefixtures("old")
    def test_the_page_says_it(self, farm, written, tmp_path):
        from campaign.report.write import write_report
        from campaign.results import open_campaign

        submit(farm, load_spec(written), timedelta(0))
        index = write_report(open_campaign(farm, "files"), tmp_path / "report").index
        assert "3 labels of DFT, copper, are known by the path alone" in index.read_text()

    def test_who_says_content_has_them_computed_anew_and_the_old_are_kept(self, farm, old, written, shift, tmp_path):
        holding(shift, 2.0)
        loaded = saying(written, files={"shift": "content"})
        (said,) = planned(farm, loaded.resolved).by_path
        assert (said.count, said.used) == (3, False)
        assert "They are kept and not used, because files says content" in said.text()
        submit(farm, loaded, timedelta(0))
        work(farm, tmp_path)
        found = energies(farm)
        assert [found[key] for key in keys(old)] == pytest.approx([1.0] * 3)
        assert [found[key] for key in keys(loaded)] == pytest.approx([2.0] * 3)
        assert planned(farm, loaded.resolved).by_path == ()

    @pytest.mark.usefixtures("old")
    def test_taken_for_one_content_they_are_not_taken_for_another(self, farm, written, shift, tmp_path):
        submit(farm, load_spec(written), timedelta(0))
        holding(shift, 2.0)
        other = load_spec(written)
        (said,) = planned(farm, other.resolved).by_path
        assert not said.used
        assert "because they were used before as computed with something else: they are computed anew" in said.text()
        submit(farm, other, timedelta(0))
        work(farm, tmp_path)
        assert [energies(farm)[key] for key in keys(other)] == pytest.approx([2.0] * 3)
        holding(shift, 1.0)
        (said,) = planned(farm, load_spec(written).resolved).by_path
        assert said.used

    def test_more_structures_add_theirs_by_content(self, farm, old, written, tmp_path):
        written.write_text(written.read_text().replace("count: 3", "count: 5"))
        loaded = load_spec(written)
        submit(farm, loaded, timedelta(0))
        work(farm, tmp_path)
        assert set(energies(farm)) == {*keys(old), *keys(loaded)[3:]}

    def test_what_is_queued_by_path_is_not_queued_again(self, farm, written, tmp_path):
        old = saying(written, files={"shift": "path"})
        first = submit(farm, old, timedelta(0))
        again = submit(farm, load_spec(written), timedelta(0))
        assert (len(first.added), again.added) == (3, ())
        work(farm, tmp_path)
        assert set(energies(farm)) == set(keys(old))

    def test_what_failed_by_path_fails_until_retry_computes_it_by_content(self, farm, written, shift, tmp_path, latticefarm, monkeypatch):
        """A host without the path was the end of it."""
        submit(farm, saying(written, files={"shift": "path"}), timedelta(0))
        hidden = shift.rename(shift.with_suffix(".hidden"))
        work(farm, tmp_path)
        hidden.rename(shift)
        loaded = load_spec(written)
        assert submit(farm, loaded, timedelta(0)).added == ()
        assert planned(farm, loaded.resolved).by_path == ()
        monkeypatch.setattr("campaign.cli.connect.open_farm", lambda **_: farm)
        assert latticefarm("retry", "files", "--stage", "label").code == 0
        shift.unlink()
        work(farm, tmp_path)
        assert set(energies(farm)) == set(keys_of(loaded, {"shift": {"sha256": hashlib.sha256(b'{"shift_eV": 1.0}').hexdigest()}}))

    def test_a_sweep_by_path_and_its_frames_are_used(self, farm, written, tmp_path):
        text = written.read_text().replace("{rattles: {count: 3, displacements_A: [0.03]}}", SWEEP)
        written.write_text(text)
        submit(farm, saying(written, files={"shift": "path"}), timedelta(0))
        work(farm, tmp_path)
        count = farm.outputs.count_documents({})
        loaded = load_spec(written)
        said = planned(farm, loaded.resolved).by_path
        assert [one.used for one in said] == [True, True]
        assert "the MD that draws the structures of copper is known by the path alone" in said[0].text()
        submit(farm, loaded, timedelta(0))
        assert work(farm, tmp_path) == 0
        assert farm.outputs.count_documents({}) == count
        (sweep,) = planned(farm, loaded.resolved).of_stage("sample")
        assert farm.outputs.find_one({"uuid": job_uuid(sweep.key)})["output"]["taken_for"]


def test_no_campaign_without_files_is_asked_about_them(farm, written):
    """Of what is not there nothing is said, and the database is not asked."""
    document = yaml.safe_load(written.read_text())
    document["engines"]["mine"] |= {"calculator": "ase.calculators.emt:EMT", "arguments": {}}
    written.write_text(yaml.safe_dump(document))
    assert planned(farm, load_spec(written).resolved).by_path == ()
