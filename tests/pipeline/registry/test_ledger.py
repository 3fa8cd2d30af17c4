"""The ledger knows which version was in production when."""

import pytest

from features.times import time_microseconds
from pipeline.registry.ledger import Promotion, append_promotions, in_production, read_ledger


def line(sequence, time, before, after, action="promote"):
    version = str(after or before)
    return Promotion(sequence, time_microseconds(time), action, "m", version, f"sha-{version}", before, after, "harbor")


def test_the_ledger_tells_what_was_in_production_on_a_day_and_at_a_moment(tmp_path):
    path = tmp_path / "promotions.jsonl"
    append_promotions(path, [line(1, "2024-05-01T06:00:00Z", None, "1"), line(2, "2024-05-02T12:00:00Z", "1", "2")])
    append_promotions(path, [line(3, "2024-05-03T00:00:00Z", "2", "2", "refuse"), line(4, "2024-05-04", "2", None)])
    told = {
        moment: [each.version for each in in_production(path, moment, model="m")]
        for moment in ("2024-04-30", "2024-05-01", "2024-05-02", "2024-05-02T12:00:00Z", "2024-05-03", "2024-05-05")
    }
    assert list(told.values()) == [[], ["1"], ["1", "2"], ["2"], ["2"], []]
    assert in_production(path, "2024-05-03", model="m")[0].manifest == "sha-2"
    assert in_production(path, "2024-05-03", model="another") == []


def test_a_ledger_line_cut_short_by_a_kill_is_left_out_and_overwritten(tmp_path):
    path = tmp_path / "promotions.jsonl"
    append_promotions(path, [line(1, "2024-05-01", None, "1")])
    with path.open("ab") as stream:
        stream.write(b'{"sequence": 2, "ti')
    assert len(read_ledger(path)) == 1
    append_promotions(path, [line(2, "2024-05-02", "1", "2")])
    assert [each.sequence for each in read_ledger(path)] == [1, 2]
    path.write_text("{}\n")
    with pytest.raises(ValueError, match="must hold one promotion a line"):
        read_ledger(path)
