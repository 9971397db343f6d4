"""The science of a campaign: labels, models, phonons, MD. Imports nothing of `campaign` or `launchers`.

Contents, each loaded when it is first asked for:

`read_label_set`    published files -> the labels of a system, matched by geometry; what is set aside, and why
`label`             the job that computes a chunk of labels with an engine, each kept when it is there
`born_charges`      the job that computes Born charges and the dielectric tensor of a crystal with an engine
`sweep`             the job of MD through rising temperatures, which draws structures to be labelled
`label_forecast`    the job that tells how sure phonons are with so many labels, and with more
`train`             the job that trains one MACE model: energies and forces, energies alone, or a difference
`add`               the job that judges base + difference against the labels of the upper level
`harmonic_phonons`  the job of phonons: bands, densities of states, named points, phonopy YAML
`direct_phonons`    the job of the phonons of a level itself, by the forces of its engine
`vibrations`        the job of long MD: the vibrational density of states from velocities (VACF-DOS)
`potential`         a trained model as an ASE calculator; `base + delta` adds energies, forces and stress
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

try:
    __version__ = version("latticefarm")
except PackageNotFoundError:  # a source tree that nobody installed
    __version__ = "0+unknown"

CONTENTS = {
    "read_label_set": "flows.labelling.label_set:read_label_set",
    "label": "flows.labelling.jobs:label",
    "born_charges": "flows.labelling.jobs:born",
    "sweep": "flows.labelling.sampling.jobs:sweep",
    "label_forecast": "flows.forecast.jobs:forecast",
    "train": "flows.training.jobs:train",
    "add": "flows.training.jobs:add",
    "harmonic_phonons": "flows.phonons.jobs:phonons",
    "direct_phonons": "flows.phonons.jobs:direct_phonons",
    "vibrations": "flows.dynamics.jobs:vibrations",
    "potential": "flows.training.potentials:potential",
}


def __getattr__(name: str) -> Any:
    if name not in CONTENTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = CONTENTS[name].partition(":")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *CONTENTS])
