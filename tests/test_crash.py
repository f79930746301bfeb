"""A server that is killed in the middle of it all loses nothing it has answered for."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.processes import handover, office, serving
from tests.support.readers import eventually, hears_everything
from tests.support.steadfast import LONGEST_S, Follower, Terminal

KILLS = 4
AT_LEAST = 25
"""Notes answered between two kills."""


def test_kill_minus_9_under_load_loses_no_answered_note_and_doubles_none(database_url: str, tmp_path: Path) -> None:
    dice = random.Random()
    with serving(database_url, tmp_path / "log") as server, office(database_url, server.url) as keeper:
        prison = keeper.prison()
        terminals = [Terminal(prison.hire(f"officer{i}", "officer", "A"), f"t{i}") for i in range(4)]
        records = hears_everything(prison)
        puller, listener = Follower(records), Follower(keeper.at(server.url, records))
        stop, ends = threading.Event(), {"at": 0}
        readings = ((puller, puller.pull), (listener, listener.listen))
        with ThreadPoolExecutor(6) as pool:
            reading = [
                pool.submit(one.follow, read, lambda one=one: stop.is_set() and len(one.heard) >= ends["at"] > 0)  # type: ignore[misc]
                for one, read in readings
            ]
            writing = [pool.submit(terminal.work, stop) for terminal in terminals]
            try:
                for _ in range(KILLS):
                    # However slow the machine is: killed in the middle of load, not before there is any.
                    loaded = sum(len(terminal.answered) for terminal in terminals) + AT_LEAST
                    eventually(lambda: sum(len(one.answered) for one in terminals) >= loaded, LONGEST_S)  # noqa: B023
                    threading.Event().wait(dice.uniform(0, 0.2))
                    server.kill()
                    server.start()
                threading.Event().wait(0.2)
            finally:
                stop.set()
            for done in writing:
                done.result(LONGEST_S)
            log, _ = records.pull()
            ends["at"] = len(log)
            for told in reading:
                told.result(LONGEST_S)

        answered = {words: id_ for terminal in terminals for words, id_ in terminal.answered.items()}
        assert len(answered) >= AT_LEAST * KILLS, "there was load"
        assert [event["sequence"] for event in log] == list(range(1, len(log) + 1))
        notes = [event["data"] for event in log if event["type"] == "note.recorded"]
        assert len(notes) == len(answered), "each once, whether its first answer arrived or not"
        assert {note["fact"]: note["id"] for note in notes} == answered
        needs = {event["data"]["note"] for event in log if event["type"] == "need.opened"}
        assert needs == set(answered.values()), "a note and what hangs on it are written together or not at all"
        assert [note["id"] for note in terminals[0].who.all("/v1/notes")] == [note["id"] for note in reversed(notes)]
        assert puller.heard == log
        assert listener.heard == log
        for cursor in dice.sample(listener.cursors, 8):
            rest, _ = records.pull(cursor)
            assert rest == log[len(log) - len(rest) :]
        server.stop()
    verified = handover("audit", "verify", database_url=database_url)
    assert verified.returncode == 0, verified.stdout + verified.stderr
