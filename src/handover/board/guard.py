"""What guards the board's page and its POSTs: the Content-Security-Policy, and who may ask for a cookie."""

import re
from urllib.parse import urlsplit

from fastapi import Request

from handover.errors import Forbidden

_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


def headers(request: Request) -> dict[str, str]:
    """The headers of a page: nothing but our own files runs, styles or is asked; nobody frames it; nobody is told where
    somebody came from."""
    return {
        "Content-Security-Policy": policy(request.headers.get("host", "")),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }


def policy(host: str) -> str:
    """The Content-Security-Policy. The feed's address is spelt out: older browsers do not take 'self' for it."""
    feed = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self'{feed}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types paper"
    )


def same_origin(request: Request) -> None:
    """Refuses a POST that another site's page has sent: with it goes our cookie. A browser says where a page is from,
    and no page can make it say otherwise."""
    site = request.headers.get("sec-fetch-site")
    if site == "same-origin":
        return
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    if site is None and origin is not None and _same(origin, host):
        return  # a browser that is too old for the first header
    raise Forbidden("This is for the board's own page; log in there.")


def _same(origin: str, host: str) -> bool:
    """Whether they are one server. A proxy may pass the host on without its port."""
    try:
        name = urlsplit(f"//{host}")
        return origin.partition("://")[2] == host or (name.port is None and urlsplit(origin).hostname == name.hostname)
    except ValueError:  # one of them is none
        return False
