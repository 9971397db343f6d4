"""FireWorks' own installed tests, against the embedded server (or the MongoDB that the environment names).

They skip unless MongoDB answers at localhost:27017, so a client that asks for that is sent to our server, also in
the processes that they start. The exceptions, with their reasons, stand in launchers/database/embedded/README.md.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

REDIRECT = """
import os
import pymongo
import pymongo.mongo_client

class Redirected(pymongo.MongoClient):
    def __init__(self, host=None, port=None, *args, **kwargs):
        if host in (None, "localhost", "127.0.0.1"):
            host, port = os.environ["FIREWORKS_TEST_URI"], None
        super().__init__(host, port, *args, **kwargs)

pymongo.MongoClient = pymongo.mongo_client.MongoClient = Redirected
"""

LAUNCHPAD = "core/tests/test_launchpad.py::"
MONGO = "tests/mongo_tests.py::MongoTests::"
FILES = "user_objects/firetasks/tests/"

# FireWorks calls `zopen` of monty without its mode: its offline mode does not work with any database
OFFLINE = [
    f"{LAUNCHPAD}LaunchPadOfflineTest::test__recover_completed",
    f"{LAUNCHPAD}GridfsStoredDataTest::test_many_detours_offline",
    f"{MONGO}test_basic_fw_offline",
    f"{MONGO}test_offline_fw_passinfo",
]
# files that the tests read are not in FireWorks' wheel
NO_FILES = [
    f"{FILES}test_fileio_tasks.py::FileWriteDeleteTest::test_run",
    f"{FILES}test_fileio_tasks.py::CompressDecompressArchiveDirTest::test_compress_dir",
    f"{FILES}test_filepad_tasks.py::FilePadTasksTest::test_addfilesfrompatterntask_run",
    f"{FILES}test_filepad_tasks.py::FilePadTasksTest::test_addfilestask_run",
    f"{FILES}test_filepad_tasks.py::FilePadTasksTest::test_getfilestask_run",
    "user_objects/queue_adapters/tests/test_common_adapter.py",
    "utilities/tests/test_filepad.py",
    "utilities/tests/test_fw_serializers.py::SerializationTest::test_unicode_json_file",
    "utilities/tests/test_fw_serializers.py::SerializationTest::test_unicode_yaml_file",
]
# igraph and graphviz are not installed: no database is involved
NO_PACKAGES = ["utilities/tests/test_dagflow.py", "utilities/tests/test_visualize.py::test_wf_to_graph"]
# expects to be the first in its process to make a Firework (id -3): it passes in a process of its own
ALONE = ["tests/master_tests.py::BasicTests::test_parent_connector"]
# terminates a worker after a second and compares states while another runs: passes on some runs only, and when the
# worker held the lock of the workflow, FireWorks waits 300 s for it
RACE = [f"{LAUNCHPAD}WorkflowFireworkStatesTest::test_rerun_timed_fws"]


@pytest.fixture
def installed_tests(tmp_path: Path) -> Path:
    """A copy of FireWorks, since its tests write where they lie."""
    for name in ("fireworks", "fw_tutorials"):
        spec = find_spec(name)
        assert spec is not None
        assert spec.submodule_search_locations
        shutil.copytree(next(iter(spec.submodule_search_locations)), tmp_path / name)
    (tmp_path / "sitecustomize.py").write_text(REDIRECT)
    (tmp_path / "pytest.ini").write_text("[pytest]\npython_files = test_*.py *_tests.py\n")
    return tmp_path


def _run(place: Path, uri: str, arguments: list[str]) -> dict[str, int]:
    environment = os.environ | {"PYTHONPATH": str(place), "FIREWORKS_TEST_URI": uri, "HOME": str(place)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout", "200", "-rfEs"]
    done = subprocess.run(
        [*command, *arguments], cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    print(done.stdout[-4000:], done.stderr[-2000:])
    found = re.findall(r"(\d+) (passed|failed|error|skipped)", done.stdout.splitlines()[-1])
    return {word: int(number) for number, word in found}


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_fireworks_own_tests(installed_tests: Path, server_uri: str) -> None:
    exceptions = [*OFFLINE, *NO_FILES, *NO_PACKAGES, *ALONE, *RACE]
    options = [f"--{'deselect' if '::' in name else 'ignore'}=fireworks/{name}" for name in exceptions]
    counts = _run(installed_tests, server_uri, ["fireworks", *options])
    assert counts.get("failed", 0) == counts.get("error", 0) == 0
    assert counts["passed"] >= 180
    # three that need users and passwords, three that FireWorks itself skips since pymongo 4, one broken one
    assert counts.get("skipped", 0) <= 7
    for name in ALONE:
        assert _run(installed_tests, server_uri, [f"fireworks/{name}"]) == {"passed": 1}
