"""Regular expressions: those of MongoDB (PCRE) that mean the same to Python; the others are refused."""

import re
from functools import lru_cache

from bson import Regex

from launchers.database.embedded.errors import CommandError, not_supported

_OPTIONS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE, "u": re.UNICODE}
# escapes that both read alike; \v, \h, \K, \R, \Q, \z, \Z, \p and their like they read differently, or one alone does
_ALIKE = set("dDwWsSbBAnrtfx")
_CLASSES = set("dDwWsSbB")
_POSIX = {
    "[:alnum:]": "a-zA-Z0-9",
    "[:alpha:]": "a-zA-Z",
    "[:digit:]": "0-9",
    "[:lower:]": "a-z",
    "[:upper:]": "A-Z",
    "[:space:]": r"\s",
    "[:word:]": r"\w",
    "[:xdigit:]": "0-9a-fA-F",
}


def pattern(value: object, options: str = "") -> re.Pattern[str]:
    """The compiled pattern of a string, or of a regular expression as BSON has it.

    Raises:
        CommandError: it is none, or means something else to Python.
    """
    if isinstance(value, Regex):
        text, flags = value.pattern, int(value.flags) & ~int(re.UNICODE)
        if not isinstance(text, str):
            raise not_supported("regular expressions of bytes")
        if options and flags:
            raise CommandError(51075, "Location51075", "options set in both $regex and $options")
        flags |= _flags(options)
    elif isinstance(value, str):
        text, flags = value, _flags(options)
    else:
        raise CommandError(2, "BadValue", "$regex has to be a string")
    return _compiled(text, flags)


def _flags(options: str) -> int:
    flags = 0
    for letter in options:
        if letter not in _OPTIONS:
            raise CommandError(51108, "Location51108", f"invalid flag in regex options: {letter}")
        flags |= _OPTIONS[letter]
    return flags & ~int(re.UNICODE)


@lru_cache(maxsize=512)
def _compiled(text: str, flags: int) -> re.Pattern[str]:
    if flags & re.LOCALE:
        raise not_supported("regular expressions with a locale")
    for name, letters in _POSIX.items():
        text = text.replace(name, letters)
    if "[:" in text or "(?" in re.sub(r"\(\?([:=!>]|<[=!]|P<)", "", text):
        raise not_supported(f"this in a regular expression: {text}")
    escapes = set(re.findall(r"\\(.)", text, re.DOTALL))
    strange = {e for e in escapes if e.isalnum() and e.isascii() and not e.isdigit()} - _ALIKE
    if strange or r"\x{" in text:
        raise not_supported(f"the escapes {sorted(strange)} in a regular expression: {text}")
    if escapes & _CLASSES or not flags & re.IGNORECASE:
        if flags & re.IGNORECASE and not text.isascii():
            raise not_supported(f"letters beyond ASCII, classes and the option i together: {text}")
        # \w and its like know ASCII letters only
        flags |= re.ASCII
    try:
        return re.compile(text, flags)
    except (re.error, RecursionError, OverflowError) as error:
        raise CommandError(51091, "Location51091", f"Regular expression is invalid: {error}") from error
