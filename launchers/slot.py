"""`python -m launchers.slot`: the process of one slot, on the database that the environment names."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from launchers.node import end_with_parent


def main(arguments: list[str] | None = None) -> int:
    """Run one worker; 0 when it ended as asked."""
    end_with_parent()
    os.environ.setdefault("TQDM_DISABLE", "1")
    asked = _parser().parse_args(arguments)

    from launchers import database
    from launchers.envelopes import load
    from launchers.farm import Farm
    from launchers.worker import Worker, WorkerSettings

    farm = Farm.open(database.running())
    settings = WorkerSettings(
        run_root=asked.run_root,
        categories=tuple(asked.category),
        until_empty=asked.until_empty,
        deadline=asked.deadline,
        patience_s=asked.patience,
        then=load(asked.then) if asked.then else None,
    )
    done = Worker(farm, settings).run()
    print(f"worker ended after {done} jobs", flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m launchers.slot", description=__doc__)
    parser.add_argument("--run-root", type=Path, required=True)
    parser.add_argument("--category", action="append", default=[])
    parser.add_argument("--until-empty", action="store_true")
    parser.add_argument("--deadline", type=float)
    parser.add_argument("--patience", type=float, default=30.0)
    parser.add_argument("--then")
    return parser


if __name__ == "__main__":
    sys.exit(main())
