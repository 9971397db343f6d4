"""A campaign as one file: `export CAMPAIGN archive`, and `import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from campaign.cli.options import JsonOption

if TYPE_CHECKING:
    from campaign.results.imported_labels import Wanted


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.command("import")(import_)


def write(campaign: str, path: Path | None, json: bool) -> None:
    """Write an archive of a campaign to `path`."""
    from campaign.archive.writing import write_archive
    from campaign.cli.connect import open_farm
    from campaign.cli.printing import facts, hint, show
    from campaign.results import open_campaign

    path = path or Path(f"{campaign}.crate.zip")
    path = path / f"{campaign}.crate.zip" if path.is_dir() else path
    written = write_archive(open_campaign(open_farm(), campaign), path, Path(f"{campaign}-report"))
    if json:
        facts({"file": str(path), "done": written.done, "asked": written.asked, "records": written.records, "bytes": written.size, "remarks": written.remarks})
        return
    show(f"{path}: {written.records} records, {written.done} of {written.asked} jobs done, {written.size / 1e6:.1f} MB")
    show(*(f"[yellow]{one}[/]" for one in written.remarks))
    hint(f"latticefarm import {path}, where another database is")


def import_(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="What `latticefarm export CAMPAIGN archive` wrote; or, with --level, files of labels, or patterns.")
    ],
    level: Annotated[str | None, typer.Option("--level", help="The files hold labels of this level, as in dft or ccsd(t).")] = None,
    forces: Annotated[bool, typer.Option("--forces", help="Their forces are this level's own, and are taken.")] = False,
    functional: Annotated[str | None, typer.Option("--functional", help="Of DFT, a word for captions.")] = None,
    energy_key: Annotated[str | None, typer.Option("--energy-key", help="What the files call the energy, as in REF_energy.")] = None,
    forces_key: Annotated[str | None, typer.Option("--forces-key", help="What the files call the forces.")] = None,
    beside: Annotated[str | None, typer.Option("--beside", metavar="DIR", help="Where OSZICAR, or Hartree-Fock of Cc4s, lies, seen from each file.")] = None,
    in_eV: Annotated[bool, typer.Option("--in-ev", help="The energies are eV per cell, whatever they look like.")] = False,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Where labels are written (default: LEVEL.xyz).")] = None,
    json: JsonOption = False,
) -> None:
    """Put an archived campaign into the database, with all that is done of it; or make one clean file of files of labels.

    Nothing is computed. An archive's models are run as code: import what people wrote whom you trust. Of labels each that is
    set aside is named with its reason, and the others are written as extended XYZ, to be the data of a level.

    Example: latticefarm import diamond-paper.crate.zip

    Example: latticefarm import runs/*/vasprun.xml --level dft --forces --functional PBE
    """
    from zipfile import is_zipfile

    from campaign.cli.errors import UsageError

    if level is not None:
        from campaign.results.imported_labels import Wanted

        _import_labels(files, Wanted(level, forces, functional, energy_key, forces_key, in_eV, beside), output, json)
        return
    of_labels = {"forces": forces, "functional": functional, "energy-key": energy_key, "forces-key": forces_key, "beside": beside, "in-ev": in_eV, "output": output}
    if given := [name for name, value in of_labels.items() if value]:
        raise UsageError(f"--{given[0]} is about labels: say of which level they are, as in --level dft")
    if len(files) > 1 or not (files[0].endswith(".zip") or is_zipfile(files[0])):
        what = "there are several files, and an archive is one" if len(files) > 1 else f"{files[0]} is no archive (.zip)"
        raise UsageError(f"{what}; if these are labels, say of which level, as in --level dft")
    _import_archive(Path(files[0]), json)


def _import_archive(archive: Path, json: bool) -> None:
    from campaign.archive.importing import import_archive
    from campaign.archive.reading import opened
    from campaign.cli.connect import open_farm
    from campaign.cli.printing import facts, hint, show

    with opened(archive) as found:  # whole, or no database is even looked for
        done = import_archive(open_farm(start=True), found)
    if json:
        facts(done.__dict__)
        return
    there = done.records - done.added
    show(f"{done.campaign}: {done.added} records added{f', {there} were there' if there else ''}; {done.done} of {done.asked} jobs are done")
    hint(f"latticefarm status {done.campaign}" if done.done < done.asked else f"latticefarm results {done.campaign} training")


def _import_labels(files: list[str], wanted: Wanted, output: Path | None, json: bool) -> None:
    from rich.markup import escape

    from campaign.cli.errors import UsageError
    from campaign.cli.printing import facts, hint, show
    from campaign.results.imported_labels import import_labels
    from campaign.spec.levels import check_level

    try:
        check_level(wanted.level)
    except ValueError as error:
        raise UsageError(f"--level: {error}") from error
    found = import_labels(files, wanted)
    written = found.write(output or Path(wanted.file_name))
    if json:
        facts({**written, "set_aside": [one.model_dump(mode="json") for one in found.set_aside], "remarks": found.remarks})
        return
    for one in found.set_aside:
        show(f"[yellow]set aside: {escape(f'{one.where}: {one.reason}')}[/]")
    show(*(f"[yellow]{escape(one)}[/]" for one in found.remarks))
    show(f"{len(found.labels)} labels written to {written['file']}, {len(found.set_aside)} set aside; as a level of a system:")
    show(f"  {escape(written['yaml'])}")
    hint("latticefarm plan SPEC, with this level in it")
