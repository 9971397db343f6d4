"""From a YAML file, or the name of an example, to a spec that can be planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from campaign.examples import find_example, list_examples
from campaign.spec.campaign import CampaignSpec, Gap, ResolvedSpec, gaps
from campaign.spec.document import Document, read_document
from campaign.spec.errors import Problem, SpecError, nearest
from campaign.spec.explain import explain
from campaign.spec.numbers import number_problems
from campaign.spec.overrides import apply_overrides
from campaign.spec.resolve import Resolver


@dataclass(frozen=True)
class LoadedSpec:
    """A spec as written, as resolved, the data files on this machine by sha256, what was mended in reading it, and the text."""

    spec: CampaignSpec
    resolved: ResolvedSpec
    files: dict[str, Path]
    notes: tuple[str, ...] = ()
    text: str = ""

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return gaps(self.resolved)


def load_spec(
    source: str | Path, overrides: Sequence[str] = (), data_dir: str | Path | None = None
) -> LoadedSpec:
    """Read, override, validate and resolve a campaign.

    `source` is a YAML file or the name of an example. Files that it names are looked for in `data_dir`, then
    beside it (for an example: in the working directory).

    Raises:
        SpecError: what is wrong, where and what to do, one line for each problem.
    """
    path, beside, example = _locate(source)
    text = _text(path, str(source))
    document = read_document(text, _display(path, source))
    apply_overrides(document, overrides)
    spec = validate(document)
    resolver = Resolver(_folders(data_dir, beside), document.problem, example)
    resolved = resolver.resolve(spec, overrides)
    return LoadedSpec(spec, resolved, resolver.files, tuple(resolver.notes), text)


def validate(document: Document) -> CampaignSpec:
    """The campaign in a document.

    Raises:
        SpecError: everything in it that is wrong.
    """
    try:
        spec = CampaignSpec.model_validate(document.tree)
    except ValidationError as error:
        raise explain(error, document) from None
    problems = number_problems(document, spec.model_dump())
    if problems:
        raise SpecError(problems)
    return spec


def _locate(source: str | Path) -> tuple[Path, Path, bool]:
    """The YAML file, the folder in which the files that it names are, and whether it is an example."""
    path = Path(source)
    if path.is_file():
        return path, path.parent, False
    name = str(source)
    if name in list_examples():
        return find_example(name), Path(), True
    message = f"no such file, and no example of that name; {nearest(name, list_examples())}"
    raise SpecError([Problem(name, "", message)])


def _display(path: Path, source: str | Path) -> str:
    return str(source) if path == Path(source) else path.name


def _text(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SpecError([Problem(name, "", f"is not UTF-8 text (byte {error.start})")]) from None
    except OSError as error:
        raise SpecError([Problem(name, "", f"cannot be read: {error.strerror}")]) from None


def _folders(data_dir: str | Path | None, beside: Path) -> list[Path]:
    if data_dir is None:
        return [beside]
    folder = Path(data_dir).expanduser()
    if not folder.is_dir():
        raise SpecError([Problem("--data", "", f"{data_dir} is no folder")])
    return [folder, beside]
