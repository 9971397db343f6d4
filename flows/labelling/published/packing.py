"""Files as they are sent: packed or not, text or not."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib

NOT_UNPACKED = (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error)
"""What a damaged file raises when it is unpacked."""


def unpacked(content: bytes) -> bytes:
    """The content of a .gz, .xz or .bz2 file, any other as it is.

    Raises:
        NOT_UNPACKED: it is damaged.
    """
    if content.startswith(b"\x1f\x8b"):
        return gzip.decompress(content)
    if content.startswith(b"\xfd7zXZ"):
        return lzma.decompress(content)
    return bz2.decompress(content) if content.startswith(b"BZh") else content


def plain_text(content: bytes) -> str | None:
    """The text of unpacked content; None where it is none."""
    if b"\x00" in content[:1000] or content.startswith(b"PK\x03\x04"):
        return None
    return content.decode("utf-8-sig", errors="replace")


def text_of(content: bytes) -> str | None:
    """The text of a file of labels, packed or not; None where it has none."""
    try:
        return plain_text(unpacked(content))
    except NOT_UNPACKED:
        return None
