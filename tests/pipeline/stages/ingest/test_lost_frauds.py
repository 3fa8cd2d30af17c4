"""Rows set aside are compared with rows kept: told always, and a stop where frauds go with them."""

from pathlib import Path

import pytest

from tests.fixtures.ingested import Ingested, ingested
from tests.oracles.lost_rows import chargebacks_of_the_day, export, large_amounts_with_commas, one_class, unread_words


def told(result: Ingested) -> str:
    return " | ".join(result.report["warnings"])


def test_frauds_that_a_rule_sets_aside_stop_the_job_with_their_share_and_their_rule(tmp_path: Path):
    source = export(chargebacks_of_the_day(), tmp_path)
    with pytest.raises(ValueError, match=r"20 of 40 frauds would be lost .*50\.0%.* allows 1\.0%") as stopped:
        ingested(source)
    assert "label_available_at: must not lie before event_time" in str(stopped.value)
    assert "20 of 20 rows like it are fraud" in str(stopped.value)


def test_the_limit_is_a_setting_and_what_it_lets_pass_is_told(tmp_path: Path):
    result = ingested(export(chargebacks_of_the_day(), tmp_path), max_lost_fraud_share=0.5)
    aside = result.report["set_aside"]
    assert (aside["rows"], aside["of_rows"], aside["frauds"], aside["of_frauds"]) == (20, 2000, 20, 40)
    assert "20 of 2,000 rows (1.0%) with 20 of 40 frauds (50.0%)" in told(result)


def test_one_fraud_among_bad_rows_is_told_and_stops_nothing(tmp_path: Path):
    frame = chargebacks_of_the_day(same_day=1)
    aside = ingested(export(frame, tmp_path)).report["set_aside"]
    assert (aside["rows"], aside["frauds"], aside["of_frauds"]) == (1, 1, 40)


def test_the_last_fraud_is_never_set_aside(tmp_path: Path):
    frame = chargebacks_of_the_day(frauds=1, same_day=1)
    with pytest.raises(ValueError, match="1 of 1 frauds would be lost"):
        ingested(export(frame, tmp_path))


def test_a_word_for_fraud_that_nobody_reads_stops_the_job(tmp_path: Path):
    with pytest.raises(
        ValueError, match=r"30 of 40 frauds would be lost .*30 of them with a label that cannot be read"
    ) as e:
        ingested(export(unread_words(yes="fraud", rows=30), tmp_path))
    assert "label.yes, label.no and label.unknown in the preset" in str(e.value)
    assert "'fraud'" not in str(e.value)


def test_two_labels_that_are_slips_of_the_pen_are_set_aside(tmp_path: Path):
    frame = unread_words(yes="fraud", rows=1)
    frame.loc[frame["label"] == "0", "label"] = frame.loc[frame["label"] == "0", "label"].where(
        lambda column: column.index != 7, "maybe"
    )
    result = ingested(export(frame, tmp_path))
    assert result.report["quarantined"] == 2


def test_the_loss_of_large_amounts_is_told_and_what_reads_them(tmp_path: Path):
    frame = large_amounts_with_commas()
    with pytest.raises(ValueError, match=r"must be a number, thousands = ',' in the preset"):
        ingested(export(frame, tmp_path))
    result = ingested(export(frame, tmp_path), max_lost_fraud_share=1.0)
    money = frame["plain"]
    lost = money[frame["amount"].str.contains(",")].sum() / money.sum()
    assert result.report["set_aside"]["amount_share"] == pytest.approx(lost, rel=1e-6)
    assert "large amounts" in told(result)


def test_the_loss_of_the_newest_day_is_told(tmp_path: Path):
    frame = chargebacks_of_the_day(same_day=0)
    newest = frame["event_time"].str[:10] == frame["event_time"].str[:10].max()
    frame.loc[newest.to_numpy().nonzero()[0][1:], "amount"] = "n/a"
    aside = ingested(export(frame, tmp_path), max_lost_fraud_share=1.0).report["set_aside"]
    assert (aside["newest_rows"], aside["of_newest_rows"]) == (newest.sum() - 1, newest.sum())


def test_a_repeat_of_a_row_that_stays_loses_no_fraud_and_a_conflict_loses_one(tmp_path: Path):
    import pandas as pd

    frame = chargebacks_of_the_day(same_day=0)
    frauds = frame[frame["label"] == "1"].head(6).copy()
    again = pd.concat([frame, frauds.head(5)])
    assert ingested(export(again, tmp_path)).report["set_aside"]["frauds"] == 0
    frauds["amount"] = "1.00"
    with pytest.raises(ValueError, match="6 of 40 frauds would be lost"):
        ingested(export(pd.concat([frame, frauds]), tmp_path))


@pytest.mark.parametrize(("label", "said"), [("0", r"none of the 2,000 .* \(0 %\)"), ("1", r"all 2,000 .* \(100 %\)")])
def test_a_feed_of_one_class_is_never_silent(tmp_path: Path, label: str, said: str):
    import re

    assert re.search(said, told(ingested(export(one_class(label), tmp_path))))


def test_labels_that_came_after_as_of_are_no_lost_frauds(tmp_path: Path):
    import pandas as pd

    frame = chargebacks_of_the_day(same_day=0)
    frame.loc[frame["label"] == "1", "amount"] = "n/a"
    early = pd.Timestamp("2023-12-01", tz="UTC").value // 1000
    with pytest.raises(ValueError, match="all 2,000 rows lie after it"):
        ingested(export(frame, tmp_path), as_of=early)
    aside = ingested(export(frame, tmp_path), as_of=pd.Timestamp("2024-01-09", tz="UTC").value // 1000).report[
        "set_aside"
    ]
    assert aside["frauds"] == 0
