"""One server as this user's terminal knows it: its address, and the folder that holds what is kept for it."""

import hashlib
import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from handover.client.refusals import BadAddress
from handover.settings import data_folder

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is, and what belongs to it on this machine."""

    url: str
    folder: Path
    loopback: bool

    @property
    def exposed(self) -> bool:
        """Whether passwords and notes would cross a network that anyone on it can read."""
        return self.url.startswith("http://") and not self.loopback

    @property
    def feed_url(self) -> str:
        """The address of the feed."""
        return "ws" + self.url.removeprefix("http") + "/v1/feed"


def server_at(address: str) -> Server:
    """The server at an address as a person types it; raises BadAddress with what to write instead."""
    parts = _split(address.strip())
    host = (parts.hostname or "").lower()
    bracketed = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}"
    url = f"{parts.scheme}://{bracketed}{port}{parts.path.rstrip('/')}"
    return Server(url, data_folder() / "terminal" / file_name(url.split("//", 1)[1], url), _is_loopback(host))


def file_name(words: str, *identity: str) -> str:
    """A name for a file or folder: readable as far as a file system allows, and different for different identities."""
    digest = hashlib.sha256("\0".join(identity or (words,)).encode()).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9-]+', '-', words).strip('-')[:40] or 'x'}-{digest}"


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        port_is_readable = parts.port is None or parts.port > 0
    except ValueError:
        raise BadAddress(f"{address!r} is not an address; write it like http://127.0.0.1:8000.") from None
    if parts.scheme not in _PORTS or not parts.hostname or not port_is_readable:
        raise BadAddress(
            f"{address!r} is not an address; write it with http:// or https://, like http://127.0.0.1:8000."
        )
    if parts.username or parts.password:
        raise BadAddress("Leave names and passwords out of the address; log in with: handover login NAME")
    if parts.query or parts.fragment:
        raise BadAddress(f"{address!r} has more than an address in it; leave out everything from ? or # on.")
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
