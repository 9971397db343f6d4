"""The engines that a campaign can name, told apart by `kind`. Importing this imports none of their programs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flows.labelling.engines.ase.settings import ASESettings
from flows.labelling.engines.cc4s.settings import Cc4sSettings
from flows.labelling.engines.espresso.settings import EspressoSettings
from flows.labelling.engines.makers.settings import MakerSettings
from flows.labelling.engines.pyscf.settings import PySCFSettings
from flows.labelling.engines.vasp.settings import VaspSettings

EngineChoice = Annotated[
    PySCFSettings | ASESettings | EspressoSettings | MakerSettings | VaspSettings | Cc4sSettings, Field(discriminator="kind")
]
