"""docs/reference/campaign.md has every key of a campaign with its default, and no key that there is not."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from campaign.spec.campaign import CampaignSpec
from campaign.spec.document import parse_value
from campaign.spec.mace import KIND_DEFAULTS, MaceFields
from flows.training.settings import TrainingSettings

Section = type[BaseModel]
TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "campaign.md").read_text()


def sections(kind: Any, path: str) -> Iterator[tuple[str, Section]]:
    """Every mapping of keys inside `kind` with its path; those of a union are told apart by their `kind`."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        told = kind.model_fields.get("kind")
        yield (f"kind: {told.default}" if told else path or "SPEC"), kind
        for name, field in kind.model_fields.items():
            yield from sections(field.annotation, f"{path}.{name}".lstrip("."))
    elif typing.get_origin(kind) is dict:
        yield from sections(typing.get_args(kind)[1], f"{path}.NAME")
    elif typing.get_origin(kind) is not typing.Literal:
        for one in typing.get_args(kind):
            yield from sections(one, path)


def _once(found: Iterator[tuple[str, Section]]) -> dict[str, Section]:
    """Each kind of section where its path is shortest: `mace` for `systems.NAME.mace` too."""
    paths: dict[Section, str] = {}
    for path, kind in found:
        paths[kind] = min(path, paths.get(kind, path), key=len)
    return {path: kind for kind, path in paths.items()}


SECTIONS = _once(sections(CampaignSpec, ""))


def written(path: str) -> tuple[str, dict[str, str]]:
    """The heading that names `path`, and below it the keys with what stands in the column of defaults."""
    found = re.findall(rf"^(##+ .*`{re.escape(path)}`.*)\n((?:(?!##).*\n)*)", TEXT, re.MULTILINE)
    assert len(found) == 1, f"{len(found)} sections of docs/reference/campaign.md are about {path}"
    return found[0][0], dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", found[0][1], re.MULTILINE))


def known(kind: Section) -> dict[str, FieldInfo]:
    """The keys of a section; what MACE is not told comes from the defaults of trainings."""
    return kind.model_fields | (TrainingSettings.model_fields if issubclass(kind, MaceFields) else {})


@pytest.mark.parametrize("path", SECTIONS)
def test_every_key_is_there_and_has_its_default(path: str) -> None:
    heading, rows = written(path)
    fields = {name: one for other, kind in SECTIONS.items() if f"`{other}`" in heading for name, one in known(kind).items()}
    assert rows.keys() == fields.keys()
    for name, text in rows.items():
        assert _says(text, fields[name]), f"{path}.{name}: {text}, and it is {fields[name].default!r}"


def _says(text: str, field: FieldInfo) -> bool:
    if field.is_required():
        return text == "required"
    if field.default in (None, {}, ()) or isinstance(field.default, BaseModel):
        return text == "–"
    valid = TypeAdapter(Annotated[field.annotation, *field.metadata]) if field.metadata else TypeAdapter(field.annotation)
    return text.startswith("`") and valid.validate_python(parse_value(text.strip("`"), "docs")) == field.default


def test_defaults_of_differences_are_said() -> None:
    said = ", ".join(f"`{name}: {value}`" for name, value in KIND_DEFAULTS["difference"].items())
    assert f"(differences: {said})" in TEXT
    assert KIND_DEFAULTS.keys() == {"difference"}


def test_the_comparison_sees_a_wrong_default() -> None:
    fields = SECTIONS["labelling"].model_fields
    assert _says("`4`", fields["pilots"])
    assert not any(_says(text, fields["pilots"]) for text in ("`5`", "–", "required", "4"))
    assert len(SECTIONS) > 20
