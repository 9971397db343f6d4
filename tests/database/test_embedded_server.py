"""The server as a process: one owner, private, found again, alive after crashes and bad clients."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from launchers.database.embedded import process
from launchers.database.embedded.commands import Commands
from launchers.database.embedded.cursors import Cursors, Stream
from launchers.database.embedded.errors import CommandError
from launchers.database.embedded.home import Home, HomeError
from launchers.database.embedded.storage import Storage


def test_acknowledged_writes_survive_kill_9(embedded: Home, kill: Callable[[Home], None]) -> None:
    acknowledged: list[int] = []

    def write() -> None:
        with MongoClient(embedded.uri, serverSelectionTimeoutMS=1000) as client:
            try:
                for number in range(100_000):
                    client.db.a.insert_one({"_id": number, "filling": "x" * 500})
                    acknowledged.append(number)
            except PyMongoError:
                return

    writer = threading.Thread(target=write)
    writer.start()
    while len(acknowledged) < 100:
        time.sleep(0.01)
    kill(embedded)
    writer.join()
    assert embedded.socket.exists(), "the socket of a killed server stays behind"
    process.start(embedded)
    with MongoClient(embedded.uri) as client:
        stored = {document["_id"] for document in client.db.a.find({}, {"_id": 1})}
    assert set(acknowledged) <= stored
    assert len(stored) <= len(acknowledged) + 1


def test_a_killed_command_leaves_all_or_nothing(embedded: Home, kill: Callable[[Home], None]) -> None:
    with MongoClient(embedded.uri, serverSelectionTimeoutMS=1000) as client:
        client.db.a.create_index("k", unique=True)
        thread = threading.Thread(target=_ignore_errors, args=(client,))
        thread.start()
        time.sleep(0.3)
        kill(embedded)
        thread.join()
    process.start(embedded)
    with MongoClient(embedded.uri) as client:
        assert client.db.a.count_documents({}) % 20_000 == 0
        assert client.db.a.count_documents({"k": {"$gte": 0}}) == client.db.a.count_documents({})


def _ignore_errors(client: MongoClient) -> None:
    try:
        client.db.a.insert_many([{"k": i} for i in range(20_000)])
    except PyMongoError:
        return


def test_a_second_start_finds_the_first(embedded: Home) -> None:
    owner = embedded.process()
    process.start(embedded)
    assert embedded.process() == owner
    command = [sys.executable, "-m", "launchers.database.embedded", str(embedded.directory)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 3
    assert embedded.answers()


def test_many_starts_at_once_make_one_server(short_directory: Path) -> None:
    home = Home(short_directory / "db")
    starts = [threading.Thread(target=process.start, args=(home,)) for _ in range(3)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    with MongoClient(home.uri) as client:
        client.db.a.insert_one({})
    assert home.log.read_text().count("serves") == 1
    assert process.stop(home)


def test_stop_and_start_keep_the_data(embedded: Home) -> None:
    with MongoClient(embedded.uri) as client:
        client.db.a.create_index("k", unique=True)
        client.db.a.insert_one({"k": 1, "nodes": [1, 2]})
    assert process.stop(embedded)
    assert not embedded.socket.exists()
    assert not process.stop(embedded)
    process.start(embedded)
    with MongoClient(embedded.uri) as client:
        assert client.db.a.find_one({"k": 1}, {"_id": 0}) == {"k": 1, "nodes": [1, 2]}
        assert client.db.a.index_information()["k_1"]["unique"]


def test_a_signal_stops_it_cleanly(embedded: Home) -> None:
    owner = embedded.process()
    assert owner is not None
    os.kill(owner, 15)
    deadline = time.monotonic() + 10
    while not embedded.is_free():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert not embedded.socket.exists()


def test_a_server_whose_directory_is_deleted_goes_away(short_directory: Path) -> None:
    home = Home(short_directory / "db")
    process.start(home)
    owner = home.process()
    assert owner is not None
    shutil.rmtree(home.directory)
    deadline = time.monotonic() + 15
    while Path(f"/proc/{owner}").exists() and "Z" not in Path(f"/proc/{owner}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_only_the_owner_gets_in(embedded: Home) -> None:
    assert stat.S_IMODE(embedded.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(embedded.socket.stat().st_mode) == 0o600


def test_a_directory_open_to_others_is_refused(short_directory: Path) -> None:
    place = short_directory / "db"
    place.mkdir()
    place.chmod(0o750)
    with pytest.raises(HomeError, match="chmod 700"):
        process.start(Home(place))


@pytest.mark.skipif(
    os.geteuid() != 0, reason="giving a directory away needs root: sudo pytest tests/database"
)
def test_a_directory_of_somebody_else_is_refused(short_directory: Path) -> None:
    place = short_directory / "db"
    place.mkdir(mode=0o700)
    os.chown(place, 12345, 12345)
    with pytest.raises(HomeError, match="belongs to user 12345"):
        process.start(Home(place))
    assert list(place.iterdir()) == []


def test_a_link_is_refused(short_directory: Path) -> None:
    (short_directory / "other").mkdir(mode=0o700)
    (short_directory / "db").symlink_to(short_directory / "other")
    with pytest.raises(HomeError, match="not a directory"):
        process.start(Home(short_directory / "db"))


def test_a_long_path_gets_a_short_socket(short_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short_directory))
    home = Home(short_directory / ("long" * 30) / "db")
    home.directory.parent.mkdir()
    process.start(home)
    try:
        assert len(str(home.socket)) <= 107
        assert stat.S_IMODE(home.socket.parent.stat().st_mode) == 0o700
        # found again where the environment differs
        monkeypatch.delenv("XDG_RUNTIME_DIR")
        with MongoClient(home.uri) as client:
            client.db.a.insert_one({})
    finally:
        assert process.stop(home)


def test_nonsense_from_a_client_hurts_nobody(embedded: Home) -> None:
    for message in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, b"\x20\0\0\0" + b"\0" * 28, b"\x15\0\0\0"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(embedded.socket))
            connection.sendall(message)
    with MongoClient(embedded.uri) as client:
        assert client.admin.command("ping") == {"ok": 1.0}


def test_hello_is_not_blocked_by_a_long_write(embedded: Home) -> None:
    with MongoClient(embedded.uri) as client, MongoClient(embedded.uri) as other:
        other.admin.command("hello")
        thread = threading.Thread(target=_ignore_errors, args=(client,))
        thread.start()
        waits, started = [], time.perf_counter()
        while thread.is_alive():
            begun = time.perf_counter()
            other.admin.command("hello")
            waits.append(time.perf_counter() - begun)
        assert len(waits) > 5
        # a busy machine makes any one of them slow, but none waits for the write
        assert max(waits) < 0.5 * (time.perf_counter() - started)


def test_no_two_clients_claim_the_same(embedded: Home) -> None:
    claimed: list[int] = []

    def work() -> None:
        with MongoClient(embedded.uri) as client:
            query, change = {"state": "READY"}, {"$set": {"state": "RESERVED"}}
            while (
                taken := client.db.a.find_one_and_update(query, change, sort=[("p", -1), ("n", 1)])
            ) is not None:
                claimed.append(taken["n"])

    with MongoClient(embedded.uri) as client:
        client.db.a.create_index([("state", -1), ("p", -1), ("n", 1)])
        client.db.a.insert_many([{"n": i, "state": "READY", "p": i % 3} for i in range(200)])
    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(claimed) == list(range(200))


def test_idle_cursors_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    cursors = Cursors()
    now = [0.0]
    monkeypatch.setattr("launchers.database.embedded.cursors.time.monotonic", lambda: now[0])
    number = cursors.first("db.a", Stream(iter([b"\5\0\0\0\0"] * 5)), 2)["cursor"]["id"]
    assert number
    now[0] = 601.0
    cursors.first("db.a", Stream(iter([b"\5\0\0\0\0"] * 5)), 2)
    with pytest.raises(CommandError) as caught:
        cursors.next(number, 2)
    assert caught.value.code == 43


def test_a_server_of_another_machine_is_named(short_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(short_directory / "db")
    home.prepare()
    with home.owned():
        (home.directory / "lock").write_text("1 elsewhere\n")
        monkeypatch.setattr(process, "_spawn", lambda *_: subprocess.Popen([sys.executable, "-c", "exit(3)"]))
        with pytest.raises(HomeError, match="served by elsewhere"):
            process.start(home, patience_s=10)


def test_commands_after_the_stop_look_like_a_lost_connection(tmp_path: Path) -> None:
    commands = Commands(Storage(tmp_path / "data.sqlite"), lambda: None)
    commands.close()
    for command in ({"find": "a", "$db": "db"}, {"insert": "a", "documents": [{}], "$db": "db"}):
        assert commands.run(command)["code"] == 91


def test_code_in_a_filter_is_refused(tmp_path: Path) -> None:
    commands = Commands(Storage(tmp_path / "data.sqlite"), lambda: None)
    assert commands.run({"insert": "a", "documents": [{"_id": 1}], "$db": "db"})["n"] == 1
    for criteria in ({"$where": "True"}, {"$or": [{"$where": "True"}]}):
        assert commands.run({"find": "a", "filter": criteria, "$db": "db"})["ok"] == 0
        assert commands.run({"count": "a", "query": criteria, "$db": "db"})["ok"] == 0
        stages = [{"$match": {"_id": 1}}, {"$match": criteria}]
        assert commands.run({"aggregate": "a", "pipeline": stages, "cursor": {}, "$db": "db"})["ok"] == 0
    commands.close()
