"""Workers on hosts of other names, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

BEAT_S = 0.3


def worker(directory: Path, host: str, *arguments: str, within: Sequence[str] = (), beat_s: float = BEAT_S) -> subprocess.Popen:
    """A slot without a node, on a host of this name, that beats often; its output is in `directory`."""
    script = f"from launchers import pulse, slot\npulse.BEAT_S = {beat_s}\nslot.main()"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / f"{host}.log").open("ab") as log:
        return subprocess.Popen(
            [*within, sys.executable, "-c", script, f"--run-root={directory}", "--patience=1", *arguments],
            env=os.environ | ({"LATTICEFARM_HOST_NAME": host} if host else {}),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def wait_for(what: Callable[[], object], seconds: float = 60.0) -> float:
    """Wait until `what` holds; for how long it did not."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds, "waited in vain"
        time.sleep(0.05)
    return time.monotonic() - began
