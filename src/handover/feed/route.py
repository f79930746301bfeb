"""Where the feed is."""

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from handover.feed.socket import Feed
from handover.services.parts import Parts

PATH = "/v1/feed"


def door(parts: Parts, elsewhere: ASGIApp) -> ASGIApp:
    """Events as they are committed, after all that were missed; any other address is for `elsewhere` to refuse. It is
    outside the framework, whose layers would stay in memory for as long as a feed is open."""

    async def feed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == PATH:
            await Feed(WebSocket(scope, receive, send), parts).run()
        else:
            await elsewhere(scope, receive, send)

    return feed
