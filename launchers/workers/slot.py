"""`python -m launchers.workers.slot`: the process of one slot, on the database that the environment names."""

from __future__ import annotations

import os
import sys

from launchers.machines.scheduler import here
from launchers.workers.node import end_with_parent
from launchers.workers.settings import WorkerSettings


def main(arguments: list[str] | None = None) -> int:
    """Run one worker; 0 when it ended as asked."""
    end_with_parent()
    os.environ.setdefault("TQDM_DISABLE", "1")
    settings = WorkerSettings.of_arguments(arguments)

    from launchers.database import ladder
    from launchers.farm import Farm
    from launchers.workers.worker import Worker

    # jobs run in directories of their own: a relative path would mean another folder to each of them
    os.environ["LATTICEFARM_HOME"] = str(ladder.home())
    if (allocation := here()) is not None:
        os.environ["LATTICEFARM_ALLOCATION"] = str(allocation)
    done = Worker(Farm.open(ladder.running()), settings).run()
    print(f"worker ended after {done} jobs", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
