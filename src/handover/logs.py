"""What is logged, and how: a line of JSON on standard error, with no words of a note."""

import logging
import sys
import traceback
from collections.abc import Iterable
from select import PIPE_BUF
from typing import Any

import orjson
import structlog

from handover.clock import now


def trace(error: BaseException | None) -> list[str]:
    """Where an exception came from, innermost last: its kinds and the places in the code. Not what it says: that may be
    a note's text, and what the store was asked with."""
    lines: list[str] = []
    while error is not None:
        frames = [
            f"{f.filename.rpartition('site-packages/')[2]}:{f.lineno} {f.name}"
            for f in traceback.extract_tb(error.__traceback__)
        ]
        code = getattr(error, "sqlstate", None)
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        lines = [*frames, f"{kind} ({code})" if code else kind, *lines]
        error = error.__cause__ or error.__context__
    return lines


def _as_bytes(_logger: object, _method: str, line: structlog.types.EventDict) -> bytes:
    return orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z)


def _as_text(_logger: object, _method: str, line: structlog.types.EventDict) -> str:
    return _as_bytes(_logger, _method, line).decode()


def _told(_logger: object, method: str, line: structlog.types.EventDict) -> structlog.types.EventDict:
    """A line with its level and its time. Of an exception, where it came from; what it says may be a note's words."""
    line["level"], line["timestamp"] = method, now()
    given = line.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        line["trace"] = trace(error)
    return line


class _Error:
    """Standard error, as it is when a line is written."""

    def write(self, line: bytes) -> int:
        """Writes it."""
        return sys.stderr.buffer.write(line)

    def flush(self) -> None:
        """Has it there."""
        sys.stderr.buffer.flush()


def tell(event: str, lines: Iterable[dict[str, Any]]) -> None:
    """What happened often, a line each time, in few writes: to be led through all that a single line goes through takes
    longer than writing it. No write is longer than a pipe takes in one piece: several processes may share it."""
    if not structlog.get_logger().is_enabled_for(logging.INFO):
        return
    always, beside = structlog.contextvars.get_contextvars(), {"event": event, "level": "info", "timestamp": now()}
    told: list[bytes] = []
    size = 0
    for line in (_as_bytes(None, "info", {**always, **line, **beside}) + b"\n" for line in lines):
        if size + len(line) > PIPE_BUF:
            _put(told)
            told, size = [], 0
        told.append(line)
        size += len(line)
    _put(told)


def _put(lines: Iterable[bytes]) -> None:
    error = _Error()
    error.write(b"".join(lines))
    error.flush()


def configure_logging(level: str) -> None:
    """Structured lines on standard error: JSON, a time, an event, no words of a note. The libraries' warnings too."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.contextvars.merge_contextvars, _told],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _as_text],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, _told, _as_bytes],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
        ),
        logger_factory=structlog.BytesLoggerFactory(_Error()),  # type: ignore[arg-type]  # it writes and flushes
        cache_logger_on_first_use=True,
    )
