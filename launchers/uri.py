"""MongoDB URIs: their parts, without asking the network, and errors explained without their secrets."""

import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

_SHAPE = re.compile(
    r"^(?P<scheme>mongodb(?:\+srv)?)://"
    r"(?:(?P<user>[^:@/]*)(?P<password>:[^@/]*)?@)?"
    r"(?P<hosts>[^/?@]+)(?:/(?P<database>[^?]*))?(?:\?(?P<options>.*))?$"
)
_SECRET_OPTIONS = re.compile(r"(?i)((?:tlscertificatekeyfilepassword|authmechanismproperties)=)[^&]*")
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
        match = _SHAPE.match(self.text)
        return {} if match is None else {k: v or "" for k, v in match.groupdict().items()}

    @property
    def valid(self) -> bool:
        """Whether it has the form of a MongoDB URI."""
        return bool(self._parts)

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
        pairs = self._parts.get("options", "").split("&")
        return {pair.split("=")[0].lower() for pair in pairs if pair}

    @property
    def redacted(self) -> str:
        """The URI without passwords."""
        if not self.valid:
            return "mongodb://(unreadable)"
        parts = self._parts
        login = f"{parts['user']}{':***' if parts['password'] else ''}@" if parts["user"] else ""
        options = "?" + _SECRET_OPTIONS.sub(r"\g<1>***", parts["options"]) if parts["options"] else ""
        return f"{parts['scheme']}://{login}{parts['hosts']}/{parts['database']}{options}"


def explain(error: Exception, uri: str) -> str:
    """What went wrong with the database at `uri`, in one line without secrets."""
    from pymongo.errors import ConfigurationError, ConnectionFailure

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
    if isinstance(error, (ConfigurationError, ValueError)):
        return "the MongoDB URI cannot be used: check its options, and percent-encode special characters of the password"
    return f"the database at {place.hosts} answers with an error ({type(error).__name__}, code {code})"
