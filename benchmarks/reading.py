"""Readers: a process of its own that asks two servers the same, in turns, over one connection each, and takes the time
from the request's first byte to the answer's last. Reads one job as JSON from standard input, writes one result as JSON
to standard output."""

import gc
import json
import socket
import sys
from dataclasses import asdict, dataclass, field
from time import perf_counter

WARMING = 3
"""Rounds that are not counted."""


@dataclass(frozen=True)
class Reader:
    """Who asks where, and what: paths by the name of what is measured."""

    port: int
    token: str
    paths: dict[str, str]


@dataclass(frozen=True)
class Job:
    """What to ask, how often."""

    readers: list[Reader]
    rounds: int


@dataclass
class Result:
    """By name, for each reader: milliseconds of each answer, and the bytes of the last one."""

    latencies: dict[str, list[list[float]]] = field(default_factory=dict)
    sizes: dict[str, list[int]] = field(default_factory=dict)


class Line:
    """One keep-alive connection."""

    def __init__(self, reader: Reader) -> None:
        self._socket = socket.create_connection(("127.0.0.1", reader.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = {
            name: (
                f"GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n"
                f"Authorization: Bearer {reader.token}\r\n\r\n"
            ).encode()
            for name, path in reader.paths.items()
        }

    def ask(self, name: str) -> tuple[float, int]:
        """Milliseconds, and bytes. Anything but a 200 ends the run."""
        began = perf_counter()
        self._socket.sendall(self._requests[name])
        answer = bytearray()
        size = -1
        while size < 0 or len(answer) < size:
            piece = self._socket.recv(1 << 18)
            if not piece:
                raise RuntimeError("the server hung up")
            answer += piece
            if size < 0 and (head := answer.find(b"\r\n\r\n")) >= 0:
                at = answer.find(b"content-length: ", 0, head) + 16
                size = head + 4 + int(answer[at : answer.find(b"\r", at)])
        took = (perf_counter() - began) * 1000
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{name}: {bytes(answer[:600]).decode(errors='replace')}")
        return took, size


def read(job: Job) -> Result:
    """Every round asks everything of both, in turns first."""
    lines = [Line(reader) for reader in job.readers]
    result = Result()
    for round_ in range(-WARMING, job.rounds):
        for name in job.readers[0].paths:
            told = result.latencies.setdefault(name, [[] for _ in lines])
            sizes = result.sizes.setdefault(name, [0] * len(lines))
            for n in range(len(lines)) if round_ % 2 else reversed(range(len(lines))):
                took, sizes[n] = lines[n].ask(name)
                if round_ >= 0:
                    told[n].append(took)
    return result


def main() -> None:
    """One job, one result."""
    asked = json.load(sys.stdin)
    job = Job([Reader(**reader) for reader in asked["readers"]], asked["rounds"])
    gc.disable()
    json.dump(asdict(read(job)), sys.stdout)


if __name__ == "__main__":
    main()
