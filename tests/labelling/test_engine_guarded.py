"""An engine may do anything: it costs one structure, and nothing of it outlives us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import psutil
import pytest
from ase import Atoms
from engine_toys import ToyEngine

from flows.labelling.engines.guarded import Guarded
from flows.labelling.engines.protocol import Computed

HERE = Path(__file__).parent
BOTH = {"dft": True, "mp2": False}


def pair(symbol: str) -> Atoms:
    return Atoms([symbol, "Ar"], positions=[[0, 0, 0], [0, 0, 2]], cell=[4, 4, 4], pbc=True)


def gone(pid: int) -> bool:
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False


def appeared(note: Path) -> list[int]:
    for _ in range(600):
        if note.exists():
            return [int(word) for word in note.read_text().split()]
        time.sleep(0.1)
    raise AssertionError("the engine never started")


@pytest.fixture(scope="module")
def guarded():
    with Guarded(ToyEngine(time_limit_s=20)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("symbol", "forces", "kind", "says", "new_child"),
    [
        ("He", False, "crashed", "SIGSEGV", True),
        ("Li", False, "crashed", "exit code 7", True),
        ("Be", False, "crashed", "ValueError: no such orbital", False),
        ("B", False, "unconverged", "of its own", False),
        ("C", False, "garbage", "energy_eV is nan", False),
        ("N", False, "garbage", "hf is inf", False),
        ("O", False, "garbage", "a float", False),
        ("F", False, "garbage", "unasked mp3", False),
        ("Ne", True, "garbage", "shape (1, 3), not (2, 3)", False),
        ("Na", True, "garbage", "not finite", False),
        ("Mg", True, "garbage", "there are none", False),
        ("Al", False, "crashed", "pickle", False),
    ],
)
def test_one_failure_and_the_next_structure_goes_on(guarded, symbol, forces, kind, says, new_child):
    before = guarded.compute(pair("Ar"), {"dft": True})["dft"].energy_eV
    found = guarded.compute(pair(symbol), {"dft": True, "mp2": forces})
    after = guarded.compute(pair("Ar"), {"dft": True})["dft"].energy_eV
    assert found["dft"].energy_eV == before
    assert (found["mp2"].kind, found["mp2"].level, found["mp2"].stage) == (kind, "mp2", "label")
    assert says in found["mp2"].message
    assert (after != before) == new_child
    assert before != os.getpid()


def test_over_the_limit_and_what_was_done_is_kept(tmp_path):
    note = tmp_path / "note"
    with Guarded(ToyEngine(time_limit_s=1.5, note=note)) as guarded:
        started = time.monotonic()
        found = guarded.compute(pair("H"), BOTH)
        assert time.monotonic() - started < 60
        assert isinstance(found["dft"], Computed)
        assert found["mp2"].kind == "time-limit"
        assert "1.5" in found["mp2"].message
        assert all(gone(pid) for pid in appeared(note))
        assert isinstance(guarded.compute(pair("Ar"), BOTH)["mp2"], Computed)


def test_forces_that_nobody_asked_for_are_dropped(guarded):
    found = guarded.compute(pair("Ar"), {"dft": False, "mp2": False})
    assert found["dft"].forces_eV_A is None
    assert guarded.compute(pair("Ar"), {"dft": True})["dft"].forces_eV_A.shape == (2, 3)


def test_a_child_that_is_killed_between_structures_is_replaced(guarded):
    first = int(guarded.compute(pair("Ar"), {"dft": True})["dft"].energy_eV)
    os.kill(first, signal.SIGKILL)
    assert gone(first)
    assert guarded.compute(pair("Ar"), {"dft": True})["dft"].energy_eV != first


class Drained(BaseException):
    pass


def drain(*_: object) -> None:
    raise Drained


def test_a_drain_kills_the_child_at_once(tmp_path):
    note = tmp_path / "note"
    previous = signal.signal(signal.SIGALRM, drain)
    drainer = Thread(target=lambda: appeared(note) and os.kill(os.getpid(), signal.SIGALRM))
    drainer.start()
    try:
        with pytest.raises(Drained), Guarded(ToyEngine(note=note)) as guarded:
            guarded.compute(pair("H"), BOTH)
    finally:
        drainer.join()
        signal.signal(signal.SIGALRM, previous)
    assert all(gone(pid) for pid in appeared(note))


RUNNER = """
import sys
from pathlib import Path
from threading import Thread
from ase import Atoms
from engine_toys import ToyEngine
from flows.labelling.engines.guarded import Guarded

if __name__ == "__main__":
    with Guarded(ToyEngine(note=Path(sys.argv[1]))) as guarded:
        guarded.compute(Atoms("HAr", cell=[4, 4, 4], pbc=True), {"mp2": False})
"""


@pytest.fixture
def hanging(tmp_path):
    """A process started as workers are (`python -m`), its engine hanging: the process, child and program."""
    (tmp_path / "runner.py").write_text(RUNNER)
    path = os.pathsep.join([str(tmp_path), str(HERE), str(HERE.parents[1])])
    process = subprocess.Popen(
        [sys.executable, "-m", "runner", str(tmp_path / "note")],
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    child, program = appeared(tmp_path / "note")
    yield process, child
    for pid in (child, program):
        if psutil.pid_exists(pid):
            os.kill(pid, signal.SIGKILL)
    process.kill()
    process.wait()


def test_the_child_dies_with_a_parent_that_is_killed(hanging):
    process, child = hanging
    process.kill()
    process.wait()
    assert gone(child)


def test_control_c_prints_no_traceback_of_the_child(hanging):
    process, child = hanging
    os.killpg(process.pid, signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert gone(child)
    assert errors.count("Traceback") == 1
    assert errors.strip().endswith("KeyboardInterrupt")


def test_the_parent_alone_decides_on_a_termination(hanging):
    process, child = hanging
    os.kill(child, signal.SIGTERM)
    time.sleep(0.5)
    assert psutil.pid_exists(child)
    assert process.poll() is None


def test_a_process_with_a_resting_engine_ends(tmp_path):
    """The child ignores the SIGTERM of multiprocessing's exit, which would wait for it for ever."""
    script = tmp_path / "ends.py"
    script.write_text(
        "from ase.build import bulk\n"
        "from flows.labelling.engines.ase.settings import ASESettings\n"
        "from flows.labelling.engines.guarded import warm\n"
        "if __name__ == '__main__':\n"
        "    with warm(ASESettings(calculator='ase.calculators.emt:EMT')) as engine:\n"
        "        print(engine.compute(bulk('Cu', cubic=True), {'dft': True})['dft'].energy_eV)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=100)
    assert float(done.stdout) < 1
