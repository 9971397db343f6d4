"""A file of published labels -> the frames that can be used, and why the others cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flows.labelling.header import FrameError
from flows.labelling.published import extended_xyz
from flows.labelling.published.beside import NOTHING, Beside
from flows.labelling.published.formats import EXTENDED_XYZ, FORMATS
from flows.labelling.published.frame import Frame
from flows.labelling.published.packing import NOT_UNPACKED, unpacked
from flows.labelling.published.step import Step, frame_of
from flows.labelling.settings import Expectations, PublishedFile
from flows.records import SetAside


def read_published(
    file: PublishedFile, content: bytes, expectations: Expectations, beside: Beside = NOTHING
) -> tuple[list[Frame], list[SetAside]]:
    """The readable frames of a file, whatever their cells, and the others with their reasons; a file without any is one
    of these. `beside` are the files that belong to it, by role."""
    try:
        found = list(_frames(unpacked(content), file, expectations, {role: unpacked(one) for role, one in beside.items()}))
    except NOT_UNPACKED as error:
        others = "".join(f" or {one.name}, which belongs to it," for one in file.beside.values())
        return [], [_whole(file, f"{file.name}{others} cannot be unpacked: {error}")]
    if not found:
        return [], [_whole(file, _empty(file))]
    frames = [one for one in found if isinstance(one, Frame)]
    aside = [
        SetAside(file=file.name, frame=number, level=file.level, reason=str(one))
        for number, one in enumerate(found)
        if isinstance(one, FrameError)
    ]
    return frames, aside


def _whole(file: PublishedFile, reason: str) -> SetAside:
    return SetAside(file=file.name, level=file.level, reason=reason)


def _empty(file: PublishedFile) -> str:
    if file.format == EXTENDED_XYZ:
        return f"{file.name} has no frames of extended XYZ text: convert it, or unpack it"
    return f"{file.name}: this {FORMATS[file.format].title} has no structure with an energy"


def _frames(content: bytes, file: PublishedFile, expectations: Expectations, beside: Beside) -> Iterator[Frame | FrameError]:
    if file.format == EXTENDED_XYZ:
        yield from extended_xyz.read(content, file, expectations)
    else:
        yield from _of_steps(FORMATS[file.format].steps(content, beside), file, expectations)


def _of_steps(
    steps: Iterable[Step | FrameError], file: PublishedFile, expectations: Expectations
) -> Iterator[Frame | FrameError]:
    for number, step in enumerate(steps):
        try:
            yield step if isinstance(step, FrameError) else frame_of(step, number, file, expectations)
        except FrameError as error:
            yield error
