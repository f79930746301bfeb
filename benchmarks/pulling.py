"""A system that pulls: a process of its own that follows `Link: …; rel="next"` over one connection until there is no
more, and takes nothing apart. Reads one job as JSON from standard input, writes one result to standard output."""

import gc
import json
import socket
import sys
from dataclasses import asdict, dataclass
from time import perf_counter


@dataclass(frozen=True)
class Job:
    """Where, in which form, and what each item has once and nothing else."""

    port: int
    token: str
    path: str
    accept: str
    mark: str


@dataclass
class Result:
    """What came."""

    items: int = 0
    size: int = 0
    seconds: float = 0.0


def pull(job: Job) -> Result:
    """Until a page is empty."""
    result, mark, path = Result(), job.mark.encode(), job.path.encode()
    head = f"HTTP/1.1\r\nHost: bench\r\nAccept: {job.accept}\r\nAuthorization: Bearer {job.token}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", job.port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = perf_counter()
        while True:
            line.sendall(b"GET " + path + b" " + head)
            headers, body = _answer(line)
            if not headers.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"{path.decode()}: {(headers + body)[:800].decode(errors='replace')}")
            items = body.count(mark)
            if not items:
                result.seconds = perf_counter() - began
                return result
            result.items += items
            result.size += len(body)
            at = headers.index(b"link: <") + 7
            path = headers[at : headers.index(b">", at)]


def _answer(line: socket.socket) -> tuple[bytes, bytearray]:
    answer, size, end = bytearray(), -1, 0
    while size < 0 or len(answer) < size:
        piece = line.recv(1 << 18)
        if not piece:
            raise RuntimeError("the server hung up")
        answer += piece
        if size < 0 and (end := answer.find(b"\r\n\r\n")) >= 0:
            at = answer.find(b"content-length: ", 0, end) + 16
            size = end + 4 + int(answer[at : answer.find(b"\r", at)])
    return bytes(answer[:end]), answer[end + 4 :]


def main() -> None:
    """One job, one result."""
    job = Job(**json.load(sys.stdin))
    gc.disable()
    json.dump(asdict(pull(job)), sys.stdout)


if __name__ == "__main__":
    main()
