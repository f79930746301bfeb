"""Settings from the environment (`HANDOVER_…`), one instance, passed down. Every field has a sentence."""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def data_folder() -> Path:
    """Where this user's data lives, after the XDG Base Directory specification."""
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "handover"


def default_database_url() -> str:
    """The embedded store's file in the user's data folder, as a database URL."""
    return f"sqlite:///{data_folder() / 'handover.sqlite3'}"


class Settings(BaseSettings):
    """What the server and its commands read from the environment, and from nothing else."""

    model_config = SettingsConfigDict(env_prefix="HANDOVER_", extra="ignore", frozen=True)

    database_url: str = Field(
        default_factory=default_database_url,
        description=(
            "Where the store is: `sqlite:///…` for the embedded one, `postgresql://…` where one machine is outgrown."
        ),
    )
    listen_url: str | None = Field(
        None,
        description=(
            "The same PostgreSQL past a pooler, where `HANDOVER_DATABASE_URL` leads through one: for the bells of "
            "other processes."
        ),
    )
    standby_url: str | None = Field(
        None,
        description=(
            "Servers that follow that PostgreSQL, for reading what feeds have missed long ago; where they are behind, "
            "or gone, it is read as without."
        ),
    )
    host: str = Field(
        "127.0.0.1", min_length=1, description="The address `serve` listens on; put a TLS proxy in front of any other."
    )
    port: int = Field(8000, ge=0, le=65535, description="The port `serve` listens on; 0 lets the system choose one.")
    workers: int = Field(
        1, ge=1, le=64, description="Processes that serve together; more than one needs `postgresql://…`."
    )
    worker_port: int = Field(
        0,
        ge=0,
        le=65_000,
        description=(
            "First of the ports on loopback at which each of several workers answers alone, for metrics and proxies; "
            "0: the system chooses, and the log says which."
        ),
    )
    trusted_proxies: str = Field(
        "127.0.0.1",
        description="Comma-separated addresses whose `X-Forwarded-For` is believed, also by the access log.",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, value: str) -> str:
        """What is no address would be believed of nobody, and all officers behind the proxy share one login brake."""
        for part in filter(None, (part.strip() for part in value.split(","))):
            if part != "*":
                try:
                    ip_network(part, strict=False)
                except ValueError:
                    raise ValueError(f"{part} is neither an address nor a network such as 10.0.0.0/8") from None
        return value

    access_token_s: int = Field(900, ge=5, le=1_000_000_000, description="Seconds an access token is good for.")
    refresh_token_s: int = Field(
        12 * 3600,
        ge=60,
        le=1_000_000_000,
        description="Seconds after a login until an officer has to give the password again.",
    )
    lock_s: int = Field(
        180,
        ge=0,
        le=86_400,
        description=(
            "Seconds without a key or a click until a screen locks itself, where its prison has not said; 0: never."
        ),
    )
    heartbeat_s: float = Field(
        15, gt=0, le=20, description="Seconds between heartbeats on a feed; the contract allows 20 at most."
    )
    feed_send_s: float = Field(
        10, gt=0, le=600, description="Seconds a feed's reader may leave a frame unread before it is cut off with 4408."
    )
    rights_check_s: float = Field(
        2, gt=0, le=5, description="Seconds between checks that open feeds still may hear what they hear."
    )
    timers_s: float = Field(
        1, gt=0, le=60, description="Seconds between looks for what has come due: attention, promises, offers, pages."
    )
    poll_s: float = Field(
        1,
        gt=0,
        le=60,
        description="Seconds between looks at the log when no bell has rung (another process may have written).",
    )
    tail_events: int = Field(
        2000,
        ge=1,
        le=20_000,
        description="Events per establishment kept in memory for feeds nearly up to date; at most 20,000 in all.",
    )
    events_kept_days: int = Field(
        90,
        ge=7,
        le=36_500,
        description="Days events are kept for readers that come back with an old cursor. Notes are kept for ever.",
    )
    read_threads: int = Field(4, ge=1, le=64, description="Threads (and store connections) that serve reads.")
    batch: int = Field(64, ge=1, le=1000, description="Most requests the writer puts into one commit.")
    queue_s: float = Field(
        2,
        gt=0,
        le=600,
        description="Seconds a request may have to wait for its turn; when it would be longer, the answer is 503.",
    )
    caller_requests: int = Field(
        6000,
        ge=0,
        le=1_000_000_000,
        description="Requests an account or client may make at once, before the answer is 429; 0: any number.",
    )
    caller_window_s: int = Field(
        30,
        ge=1,
        le=86_400,
        description="Seconds in which an account or client may make that many again, little by little.",
    )
    stop_s: float = Field(
        1.0,
        gt=0,
        le=600,
        description="Seconds a graceful stop waits for requests still running; then they are answered 503.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe log line printed: DEBUG, INFO, WARNING or ERROR."
    )
    argon2_memory_kib: int = Field(
        19456,
        ge=64,
        le=4 * 1024 * 1024,
        description="Memory in KiB for hashing one password (RFC 9106; OWASP's first choice).",
    )
    argon2_time_cost: int = Field(2, ge=1, le=100, description="Passes over that memory for hashing one password.")
