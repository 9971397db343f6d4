"""A damaged archive is refused whole, by the name of what is damaged, before a database is even looked for."""

from __future__ import annotations

import json
import random
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import results_world as world

from campaign.archive import layout
from campaign.archive.layout import ArchiveError, Head
from campaign.archive.pen import sealed
from campaign.archive.reading import opened
from campaign.spec import load_spec
from flows.keys import job_uuid
from flows.records import Blob
from launchers import transfer

MODEL, LABEL = "model" * 8, "label" * 8
Members = dict[str, bytes]


def records() -> list[dict]:
    about = Blob.of(world.MODEL_BYTES).model_dump()
    del about["base64"]
    model = {"uuid": job_uuid(MODEL), "index": 1, "name": "train", "output": {"key": MODEL, "blob": {"blob_uuid": "b", "store": "blobs"}}}
    label = {"uuid": job_uuid(LABEL), "index": 1, "name": "label", "output": {"key": LABEL, "energy_eV": 0.1}}
    return [label, model | {"file": {"member": "models/m.model", "blob": about}}]


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Members:
    """Those of a small whole archive, but for the manifest."""
    folder = tmp_path_factory.mktemp("toy")
    world.write_labels(folder)
    loaded = world.load(folder)
    head = Head(latticefarm="0.2.0", campaign="toy", done=1, asked=1)
    files = {layout.input_member(sha256, path.name): path.read_bytes() for sha256, path in loaded.files.items()}
    return files | {
        layout.HEAD: head.model_dump_json().encode(),
        layout.SPEC: loaded.resolved.model_dump_json().encode(),
        layout.CRATE: b"{}",
        layout.RECORDS: "".join(transfer.as_line(one) + "\n" for one in records()).encode(),
        "models/m.model": world.MODEL_BYTES,
    }


def written(path: Path, members: Members) -> Path:
    with sealed(path) as pen:
        for name, content in members.items():
            pen.add(name, [content])
    return path


def packed_again(path: Path, change: Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]]) -> Path:
    """What somebody writes who knows how an archive is sealed: its members are changed, and its manifest is not."""
    with zipfile.ZipFile(path) as archive:
        held = [(name, archive.read(name)) for name in archive.namelist()]
    with warnings.catch_warnings(action="ignore", category=UserWarning), zipfile.ZipFile(path, "w") as archive:  # of a name that is there
        for name, content in change(held):
            archive.writestr(name, content)
        archive.comment = layout.SEAL + b"0" * layout.DIGEST
    layout.seal(path)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ArchiveError) as error, opened(path):
        pass
    said = str(error.value)
    assert said.startswith(str(path))
    return said.removeprefix(str(path))


def test_a_whole_one_is_read(members: Members, tmp_path: Path) -> None:
    with opened(written(tmp_path / "toy.zip", members)) as archive:
        assert list(archive.records()) == records()
        assert archive.spec == load_spec(_campaign(tmp_path)).resolved
        assert {name for _, name in archive.inputs()} == {"dft.xyz", "hf.xyz"}


def _campaign(folder: Path) -> Path:
    world.write_labels(folder)
    (folder / "toy.yaml").write_text(world.YAML)
    return folder / "toy.yaml"


def test_every_member_that_lost_a_byte_is_named(members: Members, tmp_path: Path) -> None:
    for name in members:
        path = written(tmp_path / "toy.zip", members)
        said = refusal(packed_again(path, lambda held, name=name: [(one, text[:-1] + b"?" if one == name else text) for one, text in held]))
        assert name in said, said
        assert "damaged" in said or name == layout.HEAD, said


def test_members_that_are_missing_too_many_or_twice(members: Members, tmp_path: Path) -> None:
    for name in (*members, layout.MANIFEST):
        path = written(tmp_path / "toy.zip", members)
        assert f"{name} is missing" in refusal(packed_again(path, lambda held, name=name: [one for one in held if one[0] != name]))
    path = written(tmp_path / "toy.zip", members)
    assert "more.txt is one too many" in refusal(packed_again(path, lambda held: [*held, ("more.txt", b"")]))
    path = written(tmp_path / "toy.zip", members)
    assert "'models/m.model' is there twice" in refusal(packed_again(path, lambda held: [*held, ("models/m.model", b"")]))


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "C:/evil", "a\\evil", "a//evil", "./evil"])
def test_what_would_leave_its_folder(members: Members, tmp_path: Path, name: str) -> None:
    path = written(tmp_path / "toy.zip", members)
    assert "would be unpacked outside of its folder" in refusal(packed_again(path, lambda held: [*held, (name, b"")]))
    with pytest.raises(ArchiveError, match="no archive can hold"):
        written(tmp_path / "other.zip", {name: b""})
    assert not (tmp_path / "other.zip").exists()


def test_any_changed_byte_and_any_cut_is_seen(members: Members, tmp_path: Path) -> None:
    whole = written(tmp_path / "toy.zip", members).read_bytes()
    path, number = tmp_path / "changed.zip", random.Random(5)
    for place in (0, 10, len(whole) - 1, len(whole) - 80, *(number.randrange(len(whole)) for _ in range(300))):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << number.randrange(8))]) + whole[place + 1 :])
        refusal(path)
    for place in (0, 1, len(whole) // 2, len(whole) - 1, *(number.randrange(len(whole)) for _ in range(50))):
        path.write_bytes(whole[:place])
        assert "is no archive" in refusal(path)  # or its seal was cut off
    path.write_bytes(whole + b"more")
    refusal(path)


def test_another_version_is_said_before_anything_else(members: Members, tmp_path: Path) -> None:
    later = json.dumps({"format": layout.FORMAT, "version": 2, "latticefarm": "9.9", "of": "the future"}).encode()
    said = refusal(written(tmp_path / "toy.zip", {layout.HEAD: later, "another/layout": b""}))
    assert "is of version 2 of latticefarm-archive, written by latticefarm 9.9" in said
    assert "does not say of which version" in refusal(written(tmp_path / "toy.zip", members | {layout.HEAD: b"[]"}))


def test_a_spec_of_later_code_says_what_it_does_not_know(members: Members, tmp_path: Path) -> None:
    spec = json.loads(members[layout.SPEC]) | {"telepathy": True}
    said = refusal(written(tmp_path / "toy.zip", members | {layout.SPEC: json.dumps(spec).encode()}))
    assert "does not understand spec.json, telepathy: " in said


def lines(*documents: dict) -> bytes:
    return "".join(transfer.as_line(one) + "\n" for one in documents).encode()


def test_records_and_files_that_are_not_what_their_keys_say(members: Members, tmp_path: Path) -> None:
    label, model = records()
    wrong = {
        "stands under another uuid": lines(label | {"uuid": job_uuid(MODEL)}),
        f"the record {LABEL} is there twice": lines(label, label),
        "line 2 is no record": members[layout.RECORDS].splitlines()[0] + b"\n{\n",
        f"the record {MODEL} has no file where it should": lines({name: value for name, value in model.items() if name != "file"}),
        f"archive.json is not the file of the record {MODEL}": lines(model | {"file": model["file"] | {"member": "archive.json"}}),
    }
    for said, text in wrong.items():
        assert said in refusal(written(tmp_path / "toy.zip", members | {layout.RECORDS: text}))
    member = next(name for name in members if name.startswith("inputs/"))
    assert f"{member} does not hold what has this sha256" in refusal(written(tmp_path / "toy.zip", members | {member: b"other"}))
    other = Head(latticefarm="0.2.0", campaign="another", done=1, asked=1).model_dump_json().encode()
    assert "archive.json is of another, spec.json of toy" in refusal(written(tmp_path / "toy.zip", members | {layout.HEAD: other}))


def test_the_command_refuses_it_and_needs_no_database(members: Members, tmp_path: Path, latticefarm, no_database: Path) -> None:
    path = written(tmp_path / "toy.zip", members)
    path.write_bytes(path.read_bytes()[:-1])
    assert "is no archive, or its end is missing: copy it again" in latticefarm("import", path).complaint
    assert "No such file" in latticefarm("import", tmp_path / "not-there.zip").complaint
    assert not no_database.exists()


def test_what_ends_while_it_is_written_leaves_what_was_there(members: Members, tmp_path: Path) -> None:
    path = written(tmp_path / "toy.zip", members)
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), sealed(path) as pen:
        pen.add("a", (bytes(1 // number) for number in (1, 0)))
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["toy.zip"]
