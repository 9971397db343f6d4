"""A full disk, and blobs that must not sit in memory."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import gridfs
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from launchers.embedded import process
from launchers.embedded.home import Home, HomeError


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
    # interpreter and mongomock take 45 MB, SQLite's cache 64 MB, one message of a driver up to 48 MB
    assert peak < 300 * 1024
