"""What a process takes, as the system tells."""

import os
import resource
import time
from pathlib import Path

SPARE = 200
"""Files a process has open besides its connections."""


def cpu_of(pid: int) -> float:
    """Seconds of processor time a process has used, all its threads; 0 where the system does not say."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3), which Python does not offer
    except OSError:
        return 0.0


def family(pid: int) -> list[int]:
    """A process and those it started, where the system says which."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid, *map(int, children)]


def rss_of(pid: int) -> int:
    """Resident memory in KiB; 0 where the system does not say."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    except OSError:
        return 0


def allow_files(connections: int) -> str:
    """Lets this process and those it starts have so many connections open. Answers what to do where they may not."""
    wanted = connections + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft != unlimited and soft < wanted and (hard == unlimited or hard >= wanted):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    elif soft != unlimited and soft < wanted:
        return (
            f"{connections} connections need {wanted} open files, and {hard} are allowed. As root: "
            f"`ulimit -n {wanted}` in the shell you start this from (or `nofile` in /etc/security/limits.conf)."
        )
    return ""
