"""MongoDB URIs: their parts, without asking the network, and errors explained without their secrets."""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from urllib.parse import unquote, unquote_plus

_SHAPE = re.compile(
    r"^(?P<scheme>mongodb(?:\+srv)?)://"
    r"(?:(?P<user>[^:@/]*)(?P<password>:[^@/]*)?@)?"
    r"(?P<hosts>[^/?@]+)(?:/(?P<database>[^?]*))?(?:\?(?P<options>.*))?$"
)
_SECRETS = "tlscertificatekeyfilepassword|authmechanismproperties|proxypassword"
_SECRET_OPTIONS = re.compile(rf"(?i)((?:{_SECRETS})=).*?(?=[&;]\w+=|$)")
_SECRET_VALUE = re.compile(rf"(?i)(?:{_SECRETS})=(.*?)(?=[&;]\w+=|$)")
_ENCODE = "percent-encode special characters of user and password (@ is %40, : is %3A, / is %2F, ? is %3F, % is %25)"
_EXAMPLE = "mongodb://user:password@host:27017/database?tls=true"
_REFUSED = {18, 8000}
_FORBIDDEN = 13
_DISK_FULL = 14031


@dataclass(frozen=True)
class MongoURI:
    """The text of a URI; never shown whole."""

    text: str

    def __repr__(self) -> str:
        return f"MongoURI({self.redacted!r})"

    @cached_property
    def _parts(self) -> dict[str, str]:
        match = None if self.problem else _SHAPE.match(self.text)
        return {} if match is None else {k: v or "" for k, v in match.groupdict().items()}

    @cached_property
    def problem(self) -> str:
        """What is wrong with its form and what to do, without any part of it; empty if nothing is."""
        return _problem(self.text)

    @property
    def valid(self) -> bool:
        """Whether it has the form of a MongoDB URI."""
        return not self.problem

    @property
    def user(self) -> str:
        """The user, empty where the URI names none."""
        return unquote(self._parts.get("user", ""))

    @property
    def database(self) -> str:
        """The database in the path, empty where there is none."""
        return unquote(self._parts.get("database", ""))

    @property
    def hosts(self) -> str:
        """Where the server is, as a person reads it."""
        return unquote(self._parts.get("hosts", "an unreadable URI"))

    @property
    def options(self) -> set[str]:
        """The names of the options, in small letters."""
        pairs = re.split("[&;]", self._parts.get("options", ""))
        return {pair.split("=")[0].lower() for pair in pairs if pair}

    @property
    def by_dns(self) -> bool:
        """Whether the hosts are those that the DNS names (`mongodb+srv`)."""
        return self._parts.get("scheme", "").endswith("+srv")

    def hides(self, text: str) -> bool:
        """Whether `text` says no secret of this URI."""
        raw = [self._parts.get("password", "")[1:], *_SECRET_VALUE.findall(self._parts.get("options", ""))]
        secrets = {form for one in raw if one for form in (one, unquote(one), unquote_plus(one))}
        return self.valid and not any(secret.lower() in text.lower() for secret in secrets)

    @property
    def redacted(self) -> str:
        """The URI without passwords."""
        if not self.valid:
            return "mongodb://(unreadable)"
        parts = self._parts
        login = f"{parts['user']}{':***' if parts['password'] else ''}@" if parts["user"] else ""
        options = "?" + _SECRET_OPTIONS.sub(r"\g<1>***", parts["options"]) if parts["options"] else ""
        return f"{parts['scheme']}://{login}{parts['hosts']}/{parts['database']}{options}"


def _problem(text: str) -> str:
    if text[:1] in "\"'" and text:
        return "the MongoDB URI stands in quotes: take them away"
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("mongodb", "mongodb+srv"):
        small = scheme.lower() in ("mongodb", "mongodb+srv") and separator
        return "the MongoDB URI begins in capitals: mongodb:// is written small" if small else f"no MongoDB URI: {_EXAMPLE}"
    if re.search(r"\s", text):
        return "the MongoDB URI has a blank or a line break in it: percent-encode a blank as %20, give one URI alone"
    before, _, options = rest.partition("?")
    authority, _, name = before.partition("/")
    login, at, hosts = authority.rpartition("@")
    # an @ behind the hosts means that they are not the hosts: the password holds a / or a ?
    if "@" in login or "@" in name or _has_at(options) or login.count(":") > 1 or _bare_percent(login):
        return f"the MongoDB URI cannot be read: {_ENCODE}"
    if at and not login.partition(":")[0]:
        return f"the MongoDB URI names no user before the password: {_EXAMPLE}"
    return _problem_of_hosts(hosts) or database_name_problem(unquote(name))


def _has_at(options: str) -> bool:
    """Whether an @ stands where none can be: only the name of a program may have one."""
    return any("@" in one and not re.match(r"(?i)appname=", one) for one in re.split("[&;]", options))


def _bare_percent(login: str) -> bool:
    return re.search(r"%(?![0-9A-Fa-f]{2})", login) is not None


def _problem_of_hosts(hosts: str) -> str:
    for host in hosts.split(","):
        address, colon, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
        if not (address if colon else host):
            return f"the MongoDB URI names no host, or has a comma too many: {_EXAMPLE}"
        if colon and ":" in address and not address.startswith("["):
            return "the MongoDB URI has several colons in one host: an IPv6 address stands in brackets, [::1]:27017"
        if colon and not (re.fullmatch(r"[0-9]+", port) and 0 < int(port) < 65536):
            return f"the port in the MongoDB URI is no number from 1 to 65535 (or no @host follows the password: {_EXAMPLE})"
    return ""


def database_name_problem(name: str) -> str:
    """Why MongoDB takes no database of this name; empty if it does. The name is not said."""
    bad = [one for one in "/\\. \"$*<>:|?\0" if one in name]
    if bad:
        return f"the database name (the URI's path, or LATTICEFARM_MONGO_DATABASE) has {bad[0]!r} in it, which MongoDB forbids"
    return "the database name is longer than the 63 bytes that MongoDB takes" if len(name.encode()) > 63 else ""


def quiet_pymongo(uri: str) -> None:
    """Have pymongo not warn of options, since it may quote a piece of a password; say here what can be said."""
    from pymongo.errors import PyMongoError
    from pymongo.uri_parser_shared import split_options

    place = MongoURI(uri)
    with warnings.catch_warnings(record=True) as caught, suppress(PyMongoError, ValueError, OSError):
        warnings.simplefilter("always")
        split_options(place._parts.get("options", ""), warn=True)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"pymongo(\.|$)")
    for one in caught:
        said = _unknown_option(place) if str(one.message).startswith("Unknown option") else str(one.message)
        if said and place.hides(said):
            warnings.warn(f"the MongoDB URI: {said}", stacklevel=2)


def _unknown_option(place: MongoURI) -> str:
    """Which option may be meant by one that there is not; what stands there may be a piece of a secret."""
    from pymongo.uri_parser_shared import URI_OPTIONS

    known = {one.lower(): one for one in URI_OPTIONS}
    near = [near[0] for one in place.options - set(known) if (near := get_close_matches(one, known, 1, 0.7))]
    meant = f": did you mean {', '.join(known[one] for one in near)}?" if near else ""
    return f"it has an option that pymongo does not know{meant}"


def explain(error: Exception, uri: str) -> str:
    """What went wrong with the database at `uri`, in one line without secrets."""
    from pymongo.errors import ConfigurationError, ConnectionFailure, InvalidName

    place = MongoURI(uri)
    code = getattr(error, "code", None)
    if code in _REFUSED:
        return f"the database at {place.hosts} refuses user {place.user!r}: check user, password and authSource of the URI"
    if code == _FORBIDDEN:
        return f"user {place.user!r} may not use the database at {place.hosts}: ask for the role readWrite"
    if code == _DISK_FULL:
        return f"the disk of the database at {place.hosts} is full: free some space and try again"
    if isinstance(error, ConnectionFailure):
        return (
            f"the database at {place.hosts} does not answer: check that it runs, its address and TLS options"
        )
    if isinstance(error, (ConfigurationError, ValueError, InvalidName, OSError)):
        return _unusable(error, place)
    return f"the database at {place.hosts} answers with an error ({type(error).__name__}, code {code})"


def _unusable(error: Exception, place: MongoURI) -> str:
    said = str(error).strip().splitlines() or [""]
    if place.problem:
        return place.problem
    if place.by_dns and _is_of_dns(error):
        return f"no DNS record of {place.hosts} could be read: check its name in the mongodb+srv:// URI, and the network"
    if "password is required" in said[0]:
        return f"a password is missing: the URI names user {place.user!r} alone ({_EXAMPLE})"
    if "SASLprep" in said[0]:
        return "the password of the MongoDB URI has a character that no password of MongoDB can have (RFC 4013): is it decoded as it was meant?"
    if place.hides(said[0]):
        return f"the MongoDB URI cannot be used: {said[0]}"
    return "the MongoDB URI cannot be used: check its options"


def _is_of_dns(error: BaseException | None) -> bool:
    """Whether the resolver raised it; pymongo hands on only its words."""
    while error is not None:
        words = ("dns", "resolution", "nameserver", "srv")
        if type(error).__module__.startswith("dns.") or any(word in str(error).lower() for word in words):
            return True
        error = error.__cause__ or error.__context__
    return False
