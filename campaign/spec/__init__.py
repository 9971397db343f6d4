"""The spec: YAML in, a frozen campaign out, errors with file, line and the nearest known key.

`load_spec` reads a file or an example; `ResolvedSpec` is what the database keeps and what `plan` reads.
"""

from campaign.spec.campaign import (
    CampaignSpec,
    Gap,
    ResolvedLevel,
    ResolvedSpec,
    ResolvedSystem,
    TrainingSpec,
    gaps,
)
from campaign.spec.errors import Problem, SpecError
from campaign.spec.levels import LEVELS
from campaign.spec.load import LoadedSpec, load_spec
from campaign.spec.parts import UntilSpec
from campaign.spec.sizes import SizeError, count

__all__ = [
    "LEVELS",
    "CampaignSpec",
    "Gap",
    "LoadedSpec",
    "Problem",
    "ResolvedLevel",
    "ResolvedSpec",
    "ResolvedSystem",
    "SizeError",
    "SpecError",
    "TrainingSpec",
    "UntilSpec",
    "count",
    "gaps",
    "load_spec",
]
