"""Every record is on disk before anything else happens."""

from pipeline.tracking.journal import Journal


def test_records_come_back_in_order_with_their_content(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("open", "a", {"name": "run"})
    journal.append("metrics", "a", {"values": {"x": 1.5, "y": float("nan")}, "step": 2})
    records = list(Journal(journal.path).records())
    assert [record.sequence for record in records] == [0, 1]
    assert records[1].content == {"values": {"x": 1.5, "y": None}, "step": 2}


def test_a_line_cut_short_by_a_kill_is_dropped_and_the_next_one_stands_alone(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("open", "a")
    with journal.path.open("ab") as stream:
        stream.write(b'{"sequence": 1, "kin')
    again = Journal(journal.path)
    again.append("close", "a", {"status": "FINISHED"})
    assert [record.kind for record in again.records()] == ["open", "close"]
    assert [record.sequence for record in again.records()] == [0, 1]


def test_open_keys_are_those_that_an_interrupted_process_left(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    for key in ("run", "run/ingest", "run/train"):
        journal.append("open", key)
    journal.append("close", "run/ingest", {"status": "FINISHED"})
    assert journal.open_keys() == ["run", "run/train"]


def test_reading_beside_a_writer_leaves_its_half_written_line_alone(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("open", "a")
    with journal.path.open("ab") as stream:
        stream.write(b'{"sequence": 1, "kin')
    before = journal.path.read_bytes()
    assert len(list(Journal(journal.path).records())) == 1
    assert journal.path.read_bytes() == before


def test_a_damaged_line_is_left_out_and_no_number_is_given_twice(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    for key in ("a", "b", "c"):
        journal.append("open", key)
    lines = journal.path.read_bytes().split(b"\n")
    journal.path.write_bytes(b"\n".join([lines[0], lines[1][:-9] + b"\xff\x00", *lines[2:]]))
    again = Journal(journal.path)
    again.append("open", "d")
    assert [(record.key, record.sequence) for record in again.records()] == [("a", 0), ("c", 2), ("d", 3)]
