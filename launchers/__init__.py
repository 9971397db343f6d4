"""Where work runs: database, queue, workers. Imports nothing of `campaign` or `flows`."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("latticefarm")
except PackageNotFoundError:  # a source tree that nobody installed
    __version__ = "0+unknown"
