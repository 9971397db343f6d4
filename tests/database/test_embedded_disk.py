"""A full disk, files of earlier versions, and blobs that must not sit in memory."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import gridfs
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from launchers.database.embedded import process
from launchers.database.embedded.commands import Commands
from launchers.database.embedded.home import Home, HomeError
from launchers.database.embedded.storage import Storage


@pytest.fixture
def small_disk(short_directory: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    place = short_directory / "disk"
    place.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs root to mount a tmpfs: sudo pytest tests/database/test_embedded_disk.py")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_full_disk_is_an_error_and_loses_nothing(small_disk: Path) -> None:
    home = Home(small_disk / "db")
    process.start(home)
    (small_disk / "ballast").write_bytes(b"x" * 3_000_000)
    with MongoClient(home.uri) as client:
        stored, error = _insert_until_refused(client)
        assert error.code == 14031
        assert client.db.a.count_documents({}) == stored
        with pytest.raises(OperationFailure, match="disk full"):
            client.db.a.insert_many([{"x": os.urandom(50_000)} for _ in range(40)])
        assert client.db.a.count_documents({}) == stored
        (small_disk / "ballast").unlink()
        client.db.a.insert_one({"_id": "after", "x": os.urandom(50_000)})
        client.db.a.update_one({"_id": 0}, {"$set": {"y": 1}})
    assert process.stop(home)
    process.start(home)
    with MongoClient(home.uri) as client:
        assert client.db.a.count_documents({}) == stored + 1
        assert client.db.a.find_one({"_id": 0}, {"y": 1}) == {"_id": 0, "y": 1}
    process.stop(home)


def _insert_until_refused(client: MongoClient) -> tuple[int, OperationFailure]:
    for number in range(1000):
        try:
            client.db.a.insert_one({"_id": number, "x": os.urandom(50_000)})
        except OperationFailure as error:
            return number, error
    pytest.fail("8 MB took 50 MB")


def test_a_disk_that_is_full_from_the_start_is_named(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"x" * (8 * 1024 * 1024 - 40_960))
    with pytest.raises((HomeError, OSError), match=r"disk full|No space left"):
        process.start(Home(small_disk / "db"))


def test_blobs_do_not_sit_in_memory(embedded: Home) -> None:
    owner = embedded.process()
    size = 100 * 1024 * 1024
    with MongoClient(embedded.uri) as client:
        store = gridfs.GridFSBucket(client.db)
        with store.open_upload_stream("big") as upload:
            for _ in range(size // 1024 // 1024):
                upload.write(os.urandom(1024 * 1024))
        read = 0
        with store.open_download_stream_by_name("big") as download:
            while part := download.read(1024 * 1024):
                read += len(part)
    assert read == size
    status = Path(f"/proc/{owner}/status").read_text()
    peak = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
    # the interpreter takes 45 MB, SQLite's cache 64 MB, one message of a driver up to 48 MB
    assert peak < 300 * 1024


def test_a_file_of_an_earlier_version_gets_new_keys(tmp_path: Path) -> None:
    """Whose documents may have arrays that are not allowed side by side today."""
    documents = [{"_id": 0, "a": {"x": 1}, "b": True}, {"_id": 1, "a": [1, 2], "b": [3, 4]}, {"_id": 2, "b": 1}]
    storage = Storage(tmp_path / "data.sqlite")
    with storage.transaction():
        storage.add_index(storage.created("db", "a"), {"v": 2, "key": {"a": 1, "b": 1}, "name": "a_1_b_1"})
        storage.add_index(storage.created("db", "a"), {"v": 2, "key": {"b": 1}, "name": "b_1"})
    storage.close()
    with sqlite3.connect(tmp_path / "data.sqlite") as file:
        file.execute("pragma user_version=0")
        (number,) = file.execute("select number from collections").fetchone()
        rows = [(number, bson.encode(document)) for document in documents]
        file.executemany("insert into documents(collection, document) values(?, ?)", rows)
        file.execute("insert into entries select number, x'0a01', 3 from indexes")
    file.close()
    commands = Commands(Storage(tmp_path / "data.sqlite"), lambda: None)

    def found(criteria: dict[str, Any]) -> list[int]:
        reply = commands.run({"find": "a", "filter": criteria, "$db": "db"})
        return sorted(document["_id"] for document in reply["cursor"]["firstBatch"])

    for criteria, expected in (({"b": True}, [0]), ({"b": 1}, [2]), ({"b": 4}, [1]), ({"a": 2, "b": 3}, [1])):
        assert found(criteria) == expected
    assert commands.run({"delete": "a", "deletes": [{"q": {"_id": 1}, "limit": 1}], "$db": "db"})["n"] == 1
    assert (found({"a": 2}), found({"b": {"$gte": 0}})) == ([], [2])
    commands.close()
