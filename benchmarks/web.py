"""Pages of `latticefarm web` with ten thousand pieces of work in the database, and what many open browsers cost it.

    python benchmarks/web.py [--systems 50] [--seeds 10] [--frames 100] [--browsers 20] [--seconds 120] [--directory DIR]

The campaign is that of `tables.py`, records of a real size in place of those of jobs; in DIR it is kept, for both. The server is a process of
its own, as `latticefarm web` starts it, and counts the commands that it sends to the database. First each page is asked for five times, by
one browser; then all browsers watch the campaign, each asking every five seconds whether the page has changed, as its script does, and
taking the whole page again where it has: a part of the campaign is held and let go every six seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.cookiejar import CookieJar
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import mkdtemp
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

sys.path.insert(0, str(Path(__file__).parent))
from many_systems import database_s
from tables import prepare

PASSWORD = "of this benchmark"
EVERY_S = 5.0  # as in live.js
CHANGED_EVERY_S = 6.0
TIMES = 5
PAGES = (
    "/campaigns/", "/campaigns/many", "/campaigns/many?system={system}", "/campaigns/many?stage=train", "/campaigns/many/failures", "/failures", "/workers",
    "/versions?campaign=many", "/versions?of=workers", "/", "/wf/1", "/wf/1/json", "/fw/1", "/wf/READY/", "/fw/READY/", "/dashboard/", "/wf/metadata/system/{system}/",
)  # fmt: skip


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in (("systems", 50), ("seeds", 10), ("frames", 100), ("browsers", 20), ("seconds", 120)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--directory", type=Path, default=None)
    asked = parser.parse_args()
    asked.directory = (asked.directory or Path(mkdtemp(prefix="lf-web-"))).absolute()
    return asked


def main() -> int:
    asked = arguments()
    os.environ["LATTICEFARM_HOME"] = str(asked.directory / "home")
    os.environ.pop("LATTICEFARM_MONGO_URI", None)
    from launchers.database import ladder

    ladder.start()
    try:
        prepare(asked)
        run(asked)
    finally:
        ladder.stop()
    return 0


def run(asked: argparse.Namespace) -> None:
    from launchers.database import ladder
    from launchers.farm import Farm

    context = get_context("spawn")
    port, commands = context.Queue(), context.Value("q", 0)
    server = context.Process(target=serve, args=(port, commands), daemon=True)
    server.start()
    address = f"http://127.0.0.1:{port.get(timeout=120)}"
    farm = Farm.open(ladder.running())
    try:
        began = time.perf_counter()
        visitor = Visitor(address)
        visitor.get("/campaigns/many")
        print(f"the first page, of a server that has just begun: {time.perf_counter() - began:.2f} s; load {os.getloadavg()[0]:.1f}\n", flush=True)
        by_page(visitor, farm, commands)
        by_browsers(address, farm, asked, commands)
    finally:
        server.terminate()
        server.join()


def serve(port: Any, commands: Any) -> None:
    """The app on any free port, its commands to the database counted."""
    from pymongo import monitoring

    class Counted(monitoring.CommandListener):
        def started(self, _event: Any) -> None:
            with commands.get_lock():
                commands.value += 1

        def succeeded(self, _event: Any) -> None: ...

        def failed(self, _event: Any) -> None: ...

    monitoring.register(Counted())
    from launchers.database import ladder
    from launchers.farm import Farm
    from launchers.web.application import web_app
    from launchers.web.credentials import Credentials
    from launchers.web.server import WARMED, made_server

    app = web_app(Farm.open(ladder.running()), Credentials("", PASSWORD), ("campaign.web.pages:mount",), str)
    for warm in app.extensions[WARMED]:
        warm()
    server = made_server(app, "127.0.0.1", 0)
    port.put(server.effective_port)
    server.run()


class Visitor:
    """Somebody who is logged in."""

    def __init__(self, address: str) -> None:
        self.address, self.opener = address, build_opener(HTTPCookieProcessor(CookieJar()))
        token = re.search(r'name="csrf" value="([^"]+)"', self.get("/login"))
        assert token is not None
        form = urlencode({"csrf": token[1], "user": "ada", "password": PASSWORD}).encode()
        self.opener.open(f"{address}/login", form).read()

    def get(self, path: str) -> str:
        return self.opener.open(self.address + path, timeout=60).read().decode()


def by_page(visitor: Visitor, farm: Any, commands: Any) -> None:
    system = farm.launchpad.workflows.find_one({"metadata.system": {"$exists": True}})["metadata"]["system"]
    print("| page | kB | slowest of 5, s | median, s | commands to the database |\n|---|---|---|---|---|", flush=True)
    for page in (one.format(system=system) for one in PAGES):
        seconds, before, size = [], commands.value, 0
        for _ in range(TIMES):
            began = time.perf_counter()
            size = len(visitor.get(page))
            seconds.append(time.perf_counter() - began)
        print(f"| `{page}` | {size / 1e3:.0f} | {max(seconds):.3f} | {median(seconds):.3f} | {(commands.value - before) / TIMES:.1f} |", flush=True)


def by_browsers(address: str, farm: Any, asked: argparse.Namespace, commands: Any) -> None:
    from campaign.records.campaigns import hold, release

    end, waits, pages = threading.Event(), [], []

    def watch(first_s: float) -> None:
        visitor = Visitor(address)
        version = re.search(r'data-version="([^"]*)"', visitor.get("/campaigns/many"))[1]
        end.wait(first_s)
        while not end.is_set():
            began = time.perf_counter()
            found = json.loads(visitor.get("/versions?campaign=many"))["version"]
            waits.append(time.perf_counter() - began)
            if found != version:
                began, version = time.perf_counter(), found
                visitor.get("/campaigns/many")
                pages.append(time.perf_counter() - began)
            end.wait(EVERY_S)

    pool = ThreadPoolExecutor(asked.browsers)
    watching = [pool.submit(watch, EVERY_S * at / asked.browsers) for at in range(asked.browsers)]
    time.sleep(2 * EVERY_S)  # all have logged in
    before, server_s, began = commands.value, database_s(), time.perf_counter()
    part = {"model": "dft_ef"}
    while time.perf_counter() - began < asked.seconds:
        hold(farm, "many", part)
        time.sleep(CHANGED_EVERY_S)
        with suppress(LookupError):
            release(farm, "many", part)
        time.sleep(CHANGED_EVERY_S)
    seconds = time.perf_counter() - began
    sent, server_s = commands.value - before, database_s() - server_s
    end.set()
    pool.shutdown()
    if lost := [error for one in watching if (error := one.exception())]:  # fewer browsers ask less
        raise SystemExit(f"{len(lost)} of {asked.browsers} browsers did not get to the end, the first with {lost[0]!r}")
    print(f"\n{asked.browsers} browsers, {seconds:.0f} s: {sent / seconds:.1f} commands a second, {100 * server_s / seconds:.0f} % of a core of the database")
    for what, found in (("whether it has changed", waits), ("the page again", pages)):
        print(f"{what}: {len(found)} times" + (f", median {median(found):.3f} s, slowest {max(found):.3f} s" if found else ""), flush=True)


if __name__ == "__main__":
    sys.exit(main())
