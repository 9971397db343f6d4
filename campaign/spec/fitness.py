"""What is asked of a crystal and of its networks, and only a slip or another unit can mean: said before anything runs.

None of it is a rule of the settings themselves: what is stored already is read as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from campaign.spec.errors import Loc
from campaign.spec.mace import KINDS, training_settings
from flows.phonons.crystal import nearest
from flows.training.names import mace_kinds

if TYPE_CHECKING:
    from ase import Atoms

    from campaign.spec.campaign import CampaignSpec
    from campaign.spec.parts import SystemSpec
    from flows.training.settings import TrainingSettings

_FAR = 0.5  # of the way to the next atom: no crystal is displaced so far
_MAX_ELL = 11  # of e3nn


def unfit_settings(name: str, system: SystemSpec, spec: CampaignSpec, primitive: Atoms) -> list[tuple[Loc, str]]:
    """Where in the campaign something is asked for that the system `name` cannot have, and why: networks that MACE
    cannot make, and displacements of `_FAR` or more of the distance of the nearest atoms. For the cutoff of MACE see
    `campaign.spec.cutoff`."""
    distance, (first, second) = nearest(primitive)
    atoms = f"{primitive.symbols[first]} and {primitive.symbols[second]} of {name}, the nearest atoms, are {distance:.3f} Å apart"
    found: list[tuple[Loc, str]] = []
    for kind in mace_kinds(spec.models):
        settings = training_settings(kind, spec.mace, system.mace)
        found += [(written(name, system, spec, (KINDS[kind], key)), why) for key, why in _unfit_network(settings)]
    for place, displacement in _displacements(name, system, spec):
        if displacement >= _FAR * distance:
            found.append((place, f"{displacement:g} Å displaces no crystal: {atoms}"))
    return list(dict.fromkeys(found))


def _unfit_network(settings: TrainingSettings) -> Iterator[tuple[str, str]]:
    """The settings of which MACE makes no network, and why."""
    hidden = [part.strip() for part in settings.hidden_irreps.split("+")]
    if any(int(part.partition("x")[0]) == 0 for part in hidden) or not any(part.endswith("x0e") for part in hidden):
        yield "hidden_irreps", f"{settings.hidden_irreps!r}: MACE needs some of 0e, and one or more of each, as in 128x0e + 128x1o"
    if not re.fullmatch(r"0*[1-9]\d*x0e", settings.mlp_irreps):
        yield "mlp_irreps", f"{settings.mlp_irreps!r}: the last readout of MACE has scalars alone, as in 16x0e"
    if settings.max_ell > _MAX_ELL:
        yield "max_ell", f"should be {_MAX_ELL} or less, got {settings.max_ell}: e3nn has no spherical harmonics beyond"


def written(name: str, system: SystemSpec, spec: CampaignSpec, key: tuple[str, str]) -> Loc:
    """Where a setting of a kind of model was written: what comes later wins."""
    kind, setting = key
    found: Loc = ("mace", setting)
    for loc, mace in ((("mace",), spec.mace), (("systems", name, "mace"), system.mace)):
        for place, part in ((loc, mace), ((*loc, kind), getattr(mace, kind))):
            if part is not None and getattr(part, setting) is not None:
                found = (*place, setting)
    return found


def _displacements(name: str, system: SystemSpec, spec: CampaignSpec) -> Iterator[tuple[Loc, float]]:
    yield ("phonons", "displacement_A"), spec.phonons.displacement_A
    rattles = system.sampling.rattles if system.sampling is not None else None
    for loc, part in ((("sampling", "rattles"), rattles), (("frozen_phonon",), system.frozen_phonon)):
        for number, displacement in enumerate(part.displacements_A if part is not None else ()):
            yield ("systems", name, *loc, "displacements_A", number), displacement
