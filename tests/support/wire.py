"""The way of the tests' httpx clients to a service: the standard library's HTTP, a third of the work of httpx's own."""

import select
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse

import httpx


class Wire(httpx.BaseTransport):
    """Connections to one service, kept and used again; safe to share among threads."""

    def __init__(self) -> None:
        self._idle: list[HTTPConnection] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request; the answer's body is read as it is asked for."""
        connection, kept = self._connection(request.url, request.extensions.get("timeout", {}).get("read"))
        try:
            _send(connection, request)
            answer = connection.getresponse()
        except (OSError, HTTPException) as error:
            connection.close()
            if kept and request.method == "GET" and isinstance(error, ConnectionError):
                return self.handle_request(request)  # the service closed it at this very moment (RFC 9112 §9.3.1)
            kind = httpx.ReadTimeout if isinstance(error, TimeoutError) else httpx.ReadError
            raise kind(str(error), request=request) from error
        return httpx.Response(answer.status, headers=answer.getheaders(), stream=_Body(self._idle, connection, answer))

    def _connection(self, url: httpx.URL, timeout: float | None) -> tuple[HTTPConnection, bool]:
        while self._idle:
            kept = self._idle.pop()
            if not select.select([kept.sock], [], [], 0)[0]:  # else the service has closed it
                kept.sock.settimeout(timeout)
                return kept, True
            kept.close()
        return HTTPConnection(url.host, url.port, timeout=timeout), False

    def close(self) -> None:
        """Ends the connections nobody uses."""
        while self._idle:
            self._idle.pop().close()


def _send(connection: HTTPConnection, request: httpx.Request) -> None:
    in_pieces = "transfer-encoding" in request.headers
    connection.putrequest(request.method, request.url.raw_path.decode(), skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.raw:
        connection.putheader(name, value)
    assert isinstance(request.stream, httpx.SyncByteStream)
    connection.endheaders(request.stream if in_pieces else request.read() or None, encode_chunked=in_pieces)


class _Body(httpx.SyncByteStream):
    def __init__(self, idle: list[HTTPConnection], connection: HTTPConnection, answer: HTTPResponse) -> None:
        self._idle, self._connection, self._answer = idle, connection, answer
        self._read = False

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._answer.read1(65536):
            yield piece
        self._read = True

    def close(self) -> None:
        """Keeps the connection where the answer was read to its end."""
        keep = self._read and not self._answer.will_close
        self._answer.close()
        if keep:
            self._idle.append(self._connection)
        else:
            self._connection.close()
