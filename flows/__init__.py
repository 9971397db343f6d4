"""The science of a campaign: labels, models, phonons. Imports nothing of `campaign` or `launchers`."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("latticefarm")
except PackageNotFoundError:  # a source tree that nobody installed
    __version__ = "0+unknown"
