"""Hosts of one machine: namespaces (network, names, processes, mounts) with a disk and a way to the database of their own.

Inside, `PLACE/here` is the disk of this host alone: nothing is shared but the programs. What it runs is begun again
when it ends, as an init does. Needs root and `unshare` of util-linux.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil

SOCKET = "db.sock"  # pymongo takes no other ending for one
RESTART_S = 3
# $1 name, $2 disk, $3 where it is seen; then the command
INIT = f"""
hostname "$1"; ip link set lo up 2>/dev/null; mount --bind "$2" "$3" || exit 1; shift 2; cd "$1/work"; shift
while true; do "$@"; sleep {RESTART_S}; done
"""
FORWARDER = Path(__file__).with_name("forwarder.py")


def refusal() -> str:
    """Why there can be no such hosts here; empty if there can."""
    try:
        tried = subprocess.run(["unshare", *namespaces(True), "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "no unshare: install util-linux"
    return tried.stderr.strip() and f"{tried.stderr.strip()}: run this as root"


def namespaces(network: bool) -> list[str]:
    return [*(["--net"] if network else []), "--uts", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc"]


@dataclass
class Host:
    """One host, which runs `command` in an environment in which `{uri}` and `{here}` are put in place."""

    name: str
    place: Path
    target: str  # the database's socket
    database: str
    command: Sequence[str]
    variables: dict[str, str]
    own_network: bool = True
    _outer: subprocess.Popen[bytes] | None = None
    _forwarder: subprocess.Popen[bytes] | None = None
    _log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.disk, self.here = self.place / self.name, self.place / "here"
        (self.disk / "work").mkdir(parents=True, exist_ok=True)
        self.here.mkdir(exist_ok=True)
        self._log = self.disk / "host.log"

    @property
    def uri(self) -> str:
        """The database's, as seen from inside."""
        return f"mongodb://{quote(str(self.here / SOCKET), safe='')}/{self.database}"

    def boot(self) -> None:
        """Start it, and what it runs."""
        environment = {**os.environ, **{name: self.filled(text) for name, text in self.variables.items()}}
        init = ["bash", "-c", INIT, "init", self.name, str(self.disk), str(self.here), *map(self.filled, self.command)]
        with self._log.open("ab") as log:
            self._outer = subprocess.Popen(
                ["unshare", *namespaces(self.own_network), *init],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )

    def filled(self, text: str) -> str:
        return text.replace("{uri}", self.uri).replace("{here}", str(self.here))

    def connect(self) -> None:
        """Give it a way to the database (again)."""
        if self._forwarder is None:
            self._forwarder = subprocess.Popen([sys.executable, "-S", str(FORWARDER), str(self.disk / SOCKET), self.target])
        self._forwarder.send_signal(signal.SIGCONT)

    def cut(self) -> None:
        """Cut its network; both ends notice."""
        if self._forwarder is not None:
            self._forwarder.kill()
            self._forwarder.wait()
            self._forwarder = None

    def hang(self) -> None:
        """Cut its network; nobody notices."""
        if self._forwarder is not None:
            self._forwarder.send_signal(signal.SIGSTOP)

    def die(self) -> None:
        """All of it at once, as without power."""
        if self._outer is None:
            return
        for one in psutil.Process(self._outer.pid).children():
            one.kill()  # the first process of a PID namespace takes the others with it
        self._outer.wait()
        self._outer = None

    def inside(self) -> list[psutil.Process]:
        """All its processes but the first."""
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(self._outer.pid).children() if self._outer is not None else []
            return [one for parent in first for one in parent.children(recursive=True)]
        return []

    def agents(self) -> list[psutil.Process]:
        """What the init runs."""
        return [one for one in self.inside() if _holds(one, ("work",)) or _holds(one, ("multi",))]

    def workers(self) -> list[psutil.Process]:
        """The processes in which jobs run."""
        inside = self.inside()
        slots = [one for one in inside if _holds(one, ("launchers.workers.slot",))]
        return slots or [one for one in inside if _holds(one, ("multi",)) and _holds(one.parent(), ("multi",))]

    def shut(self) -> None:
        """End it for good."""
        self.die()
        self.cut()


def _holds(process: psutil.Process | None, words: tuple[str, ...]) -> bool:
    try:
        return process is not None and any(word in process.cmdline() for word in words)
    except psutil.NoSuchProcess:
        return False


def worker_name(host: Host, process: psutil.Process) -> str:
    """As its launches have it: host, number inside, start."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("NSpid:"):
            return f"{host.name}:{line.split()[-1]}:{int(process.create_time())}"
    return host.name
