"""The main job: an officer posts a note, the next shift's feed has it, another prison system pulls it."""

from tests.support.service import Prison


def test_a_note_reaches_the_next_shift_and_another_system(prison: Prison) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    brandt = prison.hire("brandt", "officer", "B")
    offices = prison.connect("offices", "events:read", "notes:read")
    weir = prison.receive("A4417KD")
    with ngata.feed(establishment=prison.code, after="now") as feed, brandt.feed(after="now") as other:
        assert feed.until_live() == []
        assert other.until_live() == []
        note = hartmann.note(weir, mood={"valence": -1, "energy": 1}, change="WORSE")
        event = feed.event()
        assert (event["type"], event["subject"], event["data"]) == ("note.recorded", weir, note)
        assert other.next("heartbeat")["cursor"] == event["cursor"], "B wing hears nothing of A wing's note"
    assert [e["data"] for e in offices.pull(type="note.recorded")[0]] == [note]
    assert ngata.get(f"/v1/notes/{note['id']}") == note
    brandt.get(f"/v1/notes/{note['id']}", 404)
