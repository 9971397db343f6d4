"""Models, phonons or labels of a campaign as files, with an index that says what each is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from campaign.planning.work import Work, shown
from campaign.results.errors import UnknownResult
from campaign.results.files import write_model, write_phonopy, write_whole
from campaign.results.label_files import write_labels
from campaign.results.snippets import write_snippets
from campaign.spec.errors import nearest
from flows.training.plain_model import ARCHITECTURE, WEIGHTS, PlainModel

if TYPE_CHECKING:
    from campaign.results.outcomes import Outcomes

INDEX = "index.json"


def export_files(
    campaign: Outcomes, what: str, directory: Path, asked: Mapping[str, Any], *, plain: bool = False
) -> list[dict[str, Any]]:
    """Write the `models`, `phonons` or `labels` that are done and match `asked`; return what the index says of them.

    `asked` maps system, model, seed and size to a value or None for any; of labels the system alone counts. A sum asked
    for as a model gives both of its parts, and a Python file that adds them up. With `plain`, MACE models are also written as
    architecture and weights. Files are called the same each time, and what other exports left in `directory` stays.

    Raises:
        UnknownResult: nothing matches, or nothing of it is done.
    """
    if what == "labels":
        written = write_labels(campaign, directory, asked.get("system"))
        _keep_index(directory / INDEX, written)
        return written
    found = campaign.trainings() if what == "models" else campaign.phonons()
    done = {one.work.key: one.record for one in found}
    write = write_model if what == "models" else write_phonopy
    wanted = select(campaign, what, asked)
    if not any(work.key in done for work in wanted):
        raise UnknownResult(
            f"{campaign.name}: none of these {len(wanted)} {what} is done yet; see latticefarm status {campaign.name}"
        )
    written = [
        _entry(work, write(campaign, work, directory), done[work.key].learned, done[work.key].verdict)
        for work in wanted
        if work.key in done
    ]
    if what == "models":
        files = {one["key"]: one["file"] for one in written}
        snippets = write_snippets(campaign, files, directory)
        for entry in written:
            entry["sums"] = _sums(campaign, entry["key"], files)
            entry["snippets"] = [path.name for path in snippets.get(entry["key"], [])]
            entry |= _plain(directory / entry["file"]) if plain else {}
    _keep_index(directory / INDEX, written)
    return written


def _plain(path: Path) -> dict[str, str]:
    """The files of a MACE model as plain numbers, which are written beside it."""
    if path.suffix != ".model":
        return {}
    plain = PlainModel.of(path.read_bytes())
    names = {"architecture": path.stem + ARCHITECTURE, "weights": path.stem + WEIGHTS}
    for name, content in (("architecture", plain.architecture), ("weights", plain.weights)):
        write_whole(path.with_name(names[name]), content)
    return names


def _sums(campaign: Outcomes, key: str, files: Mapping[str, str]) -> dict[str, list[str]]:
    """The sums that a model is a part of, and the files that add up to them, where all of these were written."""
    return {
        shown(work.model): [files[need] for need in work.needs]
        for work in campaign.plan.of_stage("sum")
        if key in work.needs and files.keys() >= set(work.needs)
    }


def select(campaign: Outcomes, what: str, asked: Mapping[str, Any]) -> list[Work]:
    """The trainings or phonons that match.

    Raises:
        UnknownResult: there are none; the message names what is nearest.
    """
    sums = what == "models" and str(asked.get("model") or "").startswith("delta_")
    left = campaign.plan.of_stage("sum" if sums else "train" if what == "models" else "phonons")
    for field, value in asked.items():
        if value is not None:
            known = list(dict.fromkeys(str(getattr(work, field)) for work in left))
            left = [work for work in left if getattr(work, field) == value]
            if not left:
                raise UnknownResult(
                    f"{campaign.name}: no {what} of {field} {value}; {nearest(str(value), known)}"
                )
    if sums:
        return [campaign.plan.work[key] for key in dict.fromkeys(key for work in left for key in work.needs)]
    return left


def _entry(work: Work, path: Path, learned: bool, verdict: str) -> dict[str, Any]:
    return {
        "file": path.name,
        "system": work.system,
        "model": work.model,
        "title": shown(work.model),
        "seed": work.seed,
        "size": work.size,
        "learned": learned,
        "verdict": verdict,
        "key": work.key,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def _keep_index(path: Path, written: list[dict[str, Any]]) -> None:
    before = json.loads(path.read_text()) if path.is_file() else []
    entries = {entry["file"]: entry for entry in [*before, *written]}
    path.write_text(json.dumps(list(entries.values()), indent=2, ensure_ascii=False) + "\n")
