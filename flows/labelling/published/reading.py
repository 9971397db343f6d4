"""A file of published labels -> the frames that can be used, and why the others cannot."""

from __future__ import annotations

from collections.abc import Iterator

from flows.labelling.header import FrameError
from flows.labelling.published import extended_xyz
from flows.labelling.published.formats import EXTENDED_XYZ, FORMATS, Format
from flows.labelling.published.frame import Frame
from flows.labelling.published.packing import NOT_UNPACKED, unpacked
from flows.labelling.published.step import frame_of
from flows.labelling.settings import Expectations, PublishedFile
from flows.records import SetAside


def read_published(
    file: PublishedFile, content: bytes, expectations: Expectations
) -> tuple[list[Frame], list[SetAside]]:
    """The readable frames of a file, whatever their cells, and the others with their reasons; a file without any is one
    of these."""
    try:
        found = list(_frames(unpacked(content), file, expectations))
    except NOT_UNPACKED as error:
        return [], [_whole(file, f"{file.name} cannot be unpacked: {error}")]
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


def _frames(content: bytes, file: PublishedFile, expectations: Expectations) -> Iterator[Frame | FrameError]:
    if file.format == EXTENDED_XYZ:
        yield from extended_xyz.read(content, file, expectations)
    else:
        yield from _of_steps(FORMATS[file.format], content, file, expectations)


def _of_steps(
    kind: Format, content: bytes, file: PublishedFile, expectations: Expectations
) -> Iterator[Frame | FrameError]:
    for number, step in enumerate(kind.steps(content)):
        try:
            yield step if isinstance(step, FrameError) else frame_of(step, number, file, expectations)
        except FrameError as error:
            yield error
