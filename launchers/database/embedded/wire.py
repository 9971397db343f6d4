"""The framing of MongoDB's wire protocol: messages in, messages out."""

import socket
import struct
from dataclasses import dataclass
from typing import Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
MAX_MESSAGE_BYTES = 48_000_000
MAX_BATCH = 100_000

_OP_REPLY, _OP_QUERY, _OP_MSG = 1, 2004, 2013
_CHECKSUM, _MORE_TO_COME = 1, 2
_HEADER = struct.Struct("<iiii")

# dates beyond year 9999 must not make a document unreadable
OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    document_class=dict, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)


_VIEW_OPTIONS: CodecOptions[RawBSONDocument] = CodecOptions(
    document_class=RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)


@dataclass(frozen=True)
class Message:
    """One command of a client; documents of its sections stay as they came."""

    command: dict[str, Any]
    request: int
    legacy: bool
    wants_reply: bool


def decode(raw: bytes | bytearray) -> dict[str, Any]:
    """A document from its bytes."""
    return bson.decode(raw, OPTIONS)


def view(raw: bytes) -> RawBSONDocument:
    """A document of which only the parts that are looked at are decoded."""
    return RawBSONDocument(raw, _VIEW_OPTIONS)


def receive(connection: socket.socket) -> Message | None:
    """The next message, or None when the client is gone or speaks something else."""
    header = _read(connection, _HEADER.size)
    if header is None:
        return None
    length, request, _, operation = _HEADER.unpack(header)
    if not _HEADER.size < length <= MAX_MESSAGE_BYTES + MAX_DOCUMENT_BYTES:
        return None
    body = _read(connection, length - _HEADER.size)
    if body is None:
        return None
    if operation == _OP_MSG:
        return _parse_message(body, request)
    return _parse_query(body, request) if operation == _OP_QUERY else None


def send(connection: socket.socket, message: Message, reply: dict[str, Any]) -> None:
    """Answer `message`."""
    document = bson.encode(reply)
    if message.legacy:
        payload, operation = struct.pack("<iqii", 8, 0, 0, 1) + document, _OP_REPLY
    else:
        payload, operation = b"\0\0\0\0\0" + document, _OP_MSG
    header = _HEADER.pack(_HEADER.size + len(payload), 0, message.request, operation)
    connection.sendall(header + payload)


def _read(connection: socket.socket, size: int) -> bytearray | None:
    buffer = bytearray(size)
    view, done = memoryview(buffer), 0
    while done < size:
        got = connection.recv_into(view[done:])
        if not got:
            return None
        done += got
    return buffer


def _parse_message(body: bytearray, request: int) -> Message:
    flags = struct.unpack_from("<I", body)[0]
    end = len(body) - (4 if flags & _CHECKSUM else 0)
    command: dict[str, Any] = {}
    sections: dict[str, list[RawBSONDocument]] = {}
    position = 4
    while position < end:
        size = struct.unpack_from("<i", body, position + 1)[0]
        section = body[position + 1 : position + 1 + size]
        if body[position] == 0:
            command = decode(section)
        else:
            name, documents = _parse_section(section)
            sections[name] = documents
        position += 1 + size
    return Message(command | sections, request, False, not flags & _MORE_TO_COME)


def _parse_section(section: bytearray) -> tuple[str, list[RawBSONDocument]]:
    stop = section.index(0, 4)
    documents = []
    position = stop + 1
    while position < len(section):
        size = struct.unpack_from("<i", section, position)[0]
        documents.append(RawBSONDocument(bytes(section[position : position + size])))
        position += size
    return section[4:stop].decode(), documents


def _parse_query(body: bytearray, request: int) -> Message:
    start = body.index(0, 4) + 1 + 8
    size = struct.unpack_from("<i", body, start)[0]
    return Message(decode(body[start : start + size]), request, True, True)
