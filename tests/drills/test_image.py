"""The image: built from the Dockerfile, run as its first lines say, stopped and started again on the same volume.

Debian's own tools do it, for root: no engine has to run. Where the base image cannot be fetched, one of the same name
is put together from Debian's packages, with Debian's Python.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.support import debian
from tests.support.processes import free_port
from tests.support.readers import closed, eventually
from tests.support.service import PASSWORD, Caller, Service
from tests.support.wire import Wire

TOP = Path(__file__).parents[2]
BASE = "docker.io/library/python:3.11-slim-bookworm"
PACKAGES = {"buildah": "buildah", "podman": "podman", "runc": "runc", "debootstrap": "debootstrap"}
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
HARD = ("--read-only", "--read-only-tmpfs=false", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
FEW = ("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096")
"""Fewer than podman gives by itself: whoever runs this may have no right to raise them."""
STOP_S = 2
NAME, USER = "handover", 10001


def run(*command: str, words: str | None = None) -> str:
    """Runs a program to its end; answers what it printed."""
    done = subprocess.run(command, input=words, capture_output=True, text=True, check=False, timeout=600, cwd=TOP)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


@dataclass
class Images:
    """Images and containers in a folder of their own."""

    folder: Path
    store: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.store = ["--root", str(self.folder / "root"), "--runroot", str(self.folder / "run")]

    def podman(self, *arguments: str, words: str | None = None) -> str:
        """Without systemd, which need not be there."""
        beside = ["--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", "runc"]
        return run("podman", *self.store, *beside, *arguments, words=words)

    def buildah(self, *arguments: str) -> str:
        """Builds without a daemon."""
        return run("buildah", *self.store, *arguments)

    def base(self) -> None:
        """The image that the Dockerfile begins with."""
        pulled = subprocess.run(["buildah", *self.store, "pull", "-q", BASE], capture_output=True, check=False)
        if pulled.returncode == 0:
            return
        print(f"{BASE} cannot be fetched: one of Debian's packages takes its place", file=sys.stderr)
        root, packed = self.folder / "base", self.folder / "base.tar"
        wanted = "python3,python3-venv,python3-pip,ca-certificates"
        run("debootstrap", "--variant=minbase", f"--include={wanted}", "bookworm", str(root))
        for name in ("python", "python3"):
            (root / "usr/local/bin" / name).symlink_to("/usr/bin/python3.11")
        for ours in (CERTIFICATES, Path("/etc/pip.conf")):  # packages come the way they come to this machine
            if ours.exists():
                shutil.copyfile(ours, root / ours.relative_to("/"))
        run("tar", "-C", str(root), "-cf", str(packed), ".")
        self.podman("import", "-q", str(packed), BASE)


@pytest.fixture(scope="module")
def images() -> Iterator[Images]:
    """With the image built."""
    for program, package in PACKAGES.items():
        debian.needed(program, lambda name=program: shutil.which(name, path="/usr/sbin:/usr/bin"), package)  # type: ignore[misc]
    with tempfile.TemporaryDirectory(prefix="handover-image-", dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        made = Images(Path(folder))
        made.base()
        began = monotonic()
        made.buildah(
            *("bud", "--isolation", "chroot", "--pull-never", "--format", "docker", "--network", "host"),
            *("--tag", NAME, "."),
        )
        size = json.loads(made.podman("image", "inspect", NAME))[0]["Size"]
        print(f"\nbuilt in {monotonic() - began:.0f} s, {size / 1e6:.0f} MB with its base", file=sys.stderr)
        try:
            yield made
        finally:
            made.podman("rm", "--all", "--force")
            run("buildah", *made.store, "rmi", "--all", "--force")


class Container(Service):
    """The service in a container; what sets it up goes in by its own command."""

    def __init__(self, images: Images, data: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.callers = []
        self.images = images
        images.podman(
            *("run", "--detach", "--name", NAME, *FEW, *HARD, "--network", "host"),
            *("--volume", f"{data}:/data", "--env", f"HANDOVER_PORT={self.port}", NAME),
        )
        self.ready()

    def ready(self) -> None:
        """Waits until it answers that it is ready."""
        with httpx.Client(base_url=self.url, trust_env=False, transport=Wire()) as anybody:

            def answers() -> bool:
                try:
                    return anybody.get("/readyz").status_code == 200
                except httpx.TransportError:
                    return False

            eventually(answers)

    def inside(self, *command: str, words: str | None = None) -> str:
        """Runs a command in it, as whoever the service runs as."""
        return self.images.podman("exec", "--interactive", NAME, *command, words=words)

    def hired(self, name: str, *belonging: str) -> Caller:
        """A member of staff who has logged in; the account is added by the server's own command."""
        self.inside(
            *("handover", "user", "add", name, "--name", name.title(), *belonging, "--password-stdin"), words=PASSWORD
        )
        return self.login(name)


@contextmanager
def in_container(images: Images) -> Iterator[Container]:
    """A container with a folder for its data, gone at the end."""
    data = images.folder / "data"
    data.mkdir()
    os.chown(data, USER, USER)
    container = Container(images, data)
    try:
        yield container
    finally:
        for caller in container.callers:
            caller.http.close()


def test_it_runs_as_nobody_on_a_root_it_cannot_write_and_a_stop_loses_nothing(images: Images) -> None:
    with in_container(images) as container:
        # Nobody in particular, without any right, and with nowhere to write but the volume.
        told = dict(line.split(":", 1) for line in container.inside("cat", "/proc/self/status").splitlines())
        assert told["Uid"].split() == [str(USER)] * 4
        assert {int(told[one], 16) for one in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}
        assert told["NoNewPrivs"].strip() == "1"
        tries = "for one in / /tmp /opt/handover /home /var/tmp; do touch $one/x 2>/dev/null && echo $one; done; true"
        assert container.inside("sh", "-c", tries) == ""
        # What the image is asked whether it is alive with.
        container.images.podman("healthcheck", "run", NAME)

        okafor = container.hired("okafor", "--role", "admin", "--establishment", "ALM")
        okafor.put("/v1/establishments/ALM", {"name": "HMP Aldermoor", "timezone": "Europe/London"})
        okafor.put("/v1/establishments/ALM/units/A", {"name": "A wing"})
        okafor.put("/v1/inmates/A4417KD", {"name": "Weir, J.", "establishment": "ALM", "unit": "A"})
        hartmann = container.hired("hartmann", "--role", "officer", "--establishment", "ALM", "--unit", "A")
        with hartmann.feed(establishment="ALM", after="now") as feed:
            feed.until_live()
            note = hartmann.note("A4417KD", fact="Ate nothing at lunch.")
            assert feed.event()["data"]["id"] == note["id"]
            began = monotonic()
            container.images.podman("stop", NAME)
            took = monotonic() - began
            assert closed(feed)[0] == 1001
        assert took < STOP_S, f"stopping took {took:.1f} s"

        container.images.podman("start", NAME)
        container.ready()
        assert hartmann.get(f"/v1/notes/{note['id']}")["fact"] == "Ate nothing at lunch."
        assert "all as written" in container.inside("handover", "audit", "verify")
        print(f"stopped in {took:.2f} s with a feed open, and started again with all of it", file=sys.stderr)
