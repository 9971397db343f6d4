"""`python -m launchers.database.embedded DIRECTORY`: serve a data directory until told to stop."""

import logging
import os
import sqlite3
import sys
from pathlib import Path

from launchers.database.embedded.errors import of_sqlite
from launchers.database.embedded.home import AlreadyRunning, Home, HomeError
from launchers.database.embedded.server import serve


def main(arguments: list[str]) -> int:
    """Serve; 0 after a clean stop, 3 when another server has the directory, 2 when it cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    os.umask(0o077)
    if len(arguments) != 1:
        print("usage: python -m launchers.database.embedded DIRECTORY", file=sys.stderr)
        return 2
    try:
        serve(Home(Path(arguments[0])))
    except AlreadyRunning:
        return 3
    except sqlite3.Error as error:
        logging.error("%s", of_sqlite(error))
        return 2
    except (HomeError, OSError) as error:
        logging.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
