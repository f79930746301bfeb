"""The database as deploy/ sets it up on three machines, on this one: each is a folder with ports of its own, and its
programs run as nobody in particular.

What they are is Debian's; where root runs the drill and they are missing, they are installed.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import httpx
import psycopg

from tests.support import debian
from tests.support.processes import free_port
from tests.support.readers import eventually

TOP = Path(__file__).parents[2]
PORTS = ("postgresql", "pgbouncer", "patroni", "etcd", "etcd_peers")
PROGRAMS = {"etcd": "etcd-server", "patroni": "patroni", "pgbouncer": "pgbouncer"}
USER = "postgres"
"""Whom Debian has the database run as; used where root runs the drill."""
START_S = 90


@dataclass
class Node:
    """One of the three machines."""

    name: str
    here: Path
    folder: Path
    ports: dict[str, int]
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self) -> None:
        """Starts what is not running, as at the machine's start."""
        etcd = dict(
            line.split("=", 1) for line in (self.here / "etcd").read_text().splitlines() if line.startswith("ETCD_")
        )
        self._run("etcd", ["etcd"], etcd)
        self._run("patroni", ["patroni", str(self.here / "patroni.yml")], {})
        self._run("pgbouncer", ["pgbouncer", "-q", str(self.here / "pgbouncer.ini")], {})

    def _run(self, name: str, command: list[str], more: dict[str, str]) -> None:
        if name in self.running and self.running[name].poll() is None:
            return
        # Of this process's environment nothing: Patroni is a Python program of the machine's own.
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": str(self.folder), **more}
        with (self.here / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command,
                cwd=self.folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=USER if os.getuid() == 0 else None,
                group=USER if os.getuid() == 0 else None,
                extra_groups=[] if os.getuid() == 0 else None,
            )

    def die(self, *programs: str) -> None:
        """As a power cut does, all or some of `PROGRAMS`: none of them gets to do anything more. With Patroni goes its
        PostgreSQL."""
        for name in programs or self.running:
            process = self.running[name]
            process.kill()
            process.wait(10)
            if name == "patroni":
                for pid in self._postgres():
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    def stand_still(self, still: bool) -> None:
        """The whole machine does nothing any more, and says nothing; or goes on as if no time had passed."""
        for pid in (*(process.pid for process in self.running.values()), *self._postgres()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP if still else signal.SIGCONT)

    def loses_its_disk(self) -> None:
        """What PostgreSQL kept there is gone; it is not running."""
        shutil.rmtree(self.folder / "postgresql")

    def gives_over(self) -> None:
        """Has another lead, as for maintenance (`patronictl switchover`)."""
        secret = tomllib.loads((self.here.parent / "secrets.toml").read_text())["patroni"]
        answer = httpx.post(
            f"http://127.0.0.1:{self.ports['patroni']}/switchover",
            json={"leader": self.name},
            auth=("patroni", secret),
            trust_env=False,
            timeout=60,
        )
        assert answer.status_code == 200, answer.text

    def _postgres(self) -> list[int]:
        """The processes of its PostgreSQL: the first, which would notice, at the head."""
        try:
            first = int((self.folder / "postgresql/postmaster.pid").read_text().split()[0])
            whose = Path(f"/proc/{first}/cwd").resolve()
        except (OSError, IndexError, ValueError):
            return []
        if whose != self.folder / "postgresql":  # left over from before; the number is somebody else's now
            return []
        return [first, *(int(pid) for pid in Path(f"/proc/{first}/task/{first}/children").read_text().split())]

    def url(self, user: str = "handover", port: str = "postgresql", database: str = "handover") -> str:
        """Where its PostgreSQL is, for this user."""
        secrets = tomllib.loads((self.here.parent / "secrets.toml").read_text())
        return f"postgresql://{user}:{secrets[user]}@127.0.0.1:{self.ports[port]}/{database}?connect_timeout=5"

    def role(self) -> str:
        """What it says it is: leader, sync_standby, replica; nothing where it does not answer."""
        return {one["name"]: one["role"] for one in self.members() if one["state"] == "running"}.get(self.name, "")

    def members(self) -> list[dict[str, str]]:
        """The cluster as this machine sees it."""
        with suppress(httpx.TransportError):
            answer = httpx.get(f"http://127.0.0.1:{self.ports['patroni']}/cluster", trust_env=False, timeout=5)
            found: list[dict[str, str]] = answer.json()["members"]
            return found
        return []


@dataclass
class Cluster:
    """The three together."""

    folder: Path
    nodes: list[Node]

    def start(self) -> None:
        """Starts it, and makes the service's database."""
        for node in self.nodes:
            node.start()
        leader = self.well()
        with psycopg.connect(leader.url("postgres", database="postgres"), autocommit=True) as conn:
            for statement in (leader.here / "create.sql").read_text().split(";"):
                if statement.strip():
                    conn.execute(statement.encode())

    def leader(self) -> Node | None:
        """Who leads, as the three say; None where nobody does, or they do not agree."""
        for node in self.nodes:
            members = node.members()
            for one in members:
                if one["role"] == "leader" and one["state"] == "running":
                    found = next(other for other in self.nodes if other.name == one["name"])
                    return found if found.members() else None
        return None

    def well(self) -> Node:
        """Waits until one leads, another has what it has, and the third follows; answers the leader."""

        def found() -> Node | None:
            leader = self.leader()
            roles = sorted(one["role"] for one in leader.members() if one["state"] == "running") if leader else []
            return leader if roles == ["leader", "replica", "sync_standby"] else None

        try:
            node: Node = eventually(found, START_S, 0.25)
        except AssertionError:
            raise AssertionError(self.told()) from None
        return node

    def told(self) -> str:
        """The last words of everything that runs, for whoever has to find out why it does not."""
        logs = sorted(self.folder.glob("*/*.log"))
        return "\n".join(f"--- {log}\n" + "\n".join(log.read_text().splitlines()[-15:]) for log in logs)

    def url(self, port: str = "postgresql") -> str:
        """The database's URL, as the service is given it: all three."""
        one = self.nodes[0].url()
        before, rest = one.split("@")
        hosts = ",".join(f"127.0.0.1:{node.ports[port]}" for node in self.nodes)
        return f"{before}@{hosts}/{rest.split('/')[1].partition('?')[0]}"


def needed() -> Path:
    """Installs what is missing, where it can be; where not, says what to install. Answers where PostgreSQL's programs
    are."""

    def found() -> str | None:
        servers = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        missing = [name for name in PROGRAMS if not shutil.which(name, path="/usr/sbin:/usr/bin")]
        return str(servers[-1].parent) if servers and not missing else None

    packages = ("postgresql", *PROGRAMS.values())
    if not (where := found()) and os.getuid() == 0:
        with debian.alone(), suppress(subprocess.CalledProcessError):
            debian.install(*packages)
        where = found()
    if not where:
        raise RuntimeError(f"The drill needs a cluster's programs: apt install {' '.join(packages)}")
    return Path(where)


def described(folder: Path, binaries: Path) -> str:
    """cluster.toml for three machines that are this one."""
    lines = ['name = "handover"', f'binaries = "{binaries}"', 'network = "127.0.0.0/8"', "[ports]"]
    for name in "abc":
        lines += [f"[nodes.{name}]", 'address = "127.0.0.1"', f'folder = "{folder / name / "data"}"']
        lines += [f'sockets = "{folder / name}"', *(f"{port} = {free_port()}" for port in PORTS)]
    return "\n".join(lines) + "\n"


@contextmanager
def running() -> Iterator[Cluster]:
    """A cluster that runs; everything of it is gone at the end, but for its logs if something failed."""
    binaries = needed()
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="handover-drill-", dir=memory if os.access(memory, os.W_OK) else None))
    folder.chmod(0o711)
    file = folder / "cluster.toml"
    file.write_text(described(folder, binaries))
    nodes = []
    for name, ports in tomllib.loads(file.read_text())["nodes"].items():
        here = folder / name
        subprocess.run([sys.executable, TOP / "deploy/render.py", file, name, here], check=True)
        data = here / "data"
        data.mkdir()
        if os.getuid() == 0:
            for path in (here, *here.iterdir()):
                shutil.chown(path, USER, pwd.getpwnam(USER).pw_gid)
        nodes.append(Node(name, here, data, {port: ports[port] for port in PORTS}))
    cluster = Cluster(folder, nodes)
    try:
        began = monotonic()
        cluster.start()
        print(f"\nthe cluster is up after {monotonic() - began:.0f} s", file=sys.stderr)
        yield cluster
    finally:
        for node in nodes:
            node.die()
        shutil.rmtree(folder, ignore_errors=True)
