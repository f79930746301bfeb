"""What docs/integrations.md tells other systems to type works against the practice prison."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import pytest

from handover.feed import protocol
from handover.schemas.events import CLOSE_CODES

PAGE = Path(__file__).parent.parent / "docs" / "integrations.md"
# Whatever curl is refused ends the script, and says with what.
STRICT = 'set -euo pipefail\ncurl() { command curl --fail-with-body --noproxy "*" "$@" && echo >&2; }\n'


@pytest.fixture
def practice() -> Iterator[dict[str, str]]:
    """The practice prison, as a system that may call it finds it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "handover", "demo", "--port", port]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"})
    try:
        assert process.stderr is not None
        known: dict[str, str] = {}
        for line in process.stderr:
            known |= dict(re.findall(r"(HANDOVER_CLIENT_\w+)=(\S+)", line))
            if "Stop with Ctrl-C" in line:
                break
        with socket.socket() as probe:
            probe.settimeout(10)
            while probe.connect_ex(("127.0.0.1", int(port))):
                assert process.poll() is None
                sleep(0.02)
        yield {**known, "HANDOVER_SERVER": f"http://127.0.0.1:{port}"}
    finally:
        process.terminate()
        process.communicate(timeout=10)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page's commands are curl's")
def test_every_command_of_the_page(practice: dict[str, str]) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) > 4
    run = subprocess.run(
        ["bash", "-c", STRICT + "\n".join(blocks)],
        env={**os.environ, **practice},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    assert run.stdout.count('"reason":"Works in the kitchen from Monday"') == 2, "sent twice, answered twice"
    assert '"status":"RETRACTED"' in run.stdout


def test_every_code_that_a_feed_is_closed_with_is_told_here_and_to_our_own_client() -> None:
    [table] = re.findall(r"\| Closed with.*?\n\n", PAGE.read_text("utf-8"), re.DOTALL)
    ours = {value for value in vars(protocol).values() if isinstance(value, int) and value > 1000}
    assert ours | {1011, 1012} == set(CLOSE_CODES), "and those of `feed/kept.py`"
    assert {int(code) for code in re.findall(r"\b[14]\d{3}\b", table)} == {*CLOSE_CODES, 1006}
