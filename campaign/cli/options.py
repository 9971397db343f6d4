"""Every option that more than one command has, defined once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SpecArgument = Annotated[str, typer.Argument(metavar="SPEC", help="A campaign's YAML file, or an example's name.")]
CampaignArgument = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The name of a submitted campaign.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key, as in systems.diamond.mace.max_epochs=10."),
]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Where the campaign's data files are.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SlotsOption = Annotated[int | None, typer.Option("--slots", min=1, help="Workers side by side (default: one per GPU; one per core of up to four, per two of more).")]
SystemOption = Annotated[str | None, typer.Option("--system", help="Only this system.")]
StageOption = Annotated[str | None, typer.Option("--stage", help="Only this stage: sample, label, born, forecast, train, sum, phonons, hessian or vibrations.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Only this model, as in dft_ef or delta_hf.")]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Only this seed.")]
