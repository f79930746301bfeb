"""Where the feed is."""

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from handover.feed import kept
from handover.feed.resting import RestingFeed
from handover.feed.socket import Feed
from handover.feed.transport import keep_of
from handover.feed.wheel import Wheel
from handover.services.parts import Parts

PATH = "/v1/feed"


def door(parts: Parts, elsewhere: ASGIApp) -> ASGIApp:
    """Events as they are committed, after all that were missed; any other address is for `elsewhere` to refuse. It is
    outside the framework, whose layers would stay in memory for as long as a feed is open."""

    beats, pings = Wheel(parts.desk.settings.heartbeat_s), Wheel(kept.PING_S)

    async def feed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == PATH:
            socket = WebSocket(scope, receive, send)
            keep = keep_of(socket)
            open_feed = RestingFeed(socket, parts, keep, beats, pings) if keep else Feed(socket, parts)
            await open_feed.run()
        else:
            await elsewhere(scope, receive, send)

    return feed
