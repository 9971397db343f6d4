"""The side of the user: spec, plan, submit, progress, results, report."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("latticefarm")
except PackageNotFoundError:  # a source tree that nobody installed
    __version__ = "0+unknown"
