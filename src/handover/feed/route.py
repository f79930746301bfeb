"""Where the feed is."""

from fastapi import APIRouter, WebSocket

from handover.feed.socket import Feed
from handover.services.parts import Parts

router = APIRouter(prefix="/v1")


@router.websocket("/feed")
async def feed(socket: WebSocket) -> None:
    """Events as they are committed, after all that were missed."""
    parts: Parts = socket.app.state.parts
    await Feed(socket, parts).run()
