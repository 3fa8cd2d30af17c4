from dataclasses import replace

import pytest

from pipeline.stages.artifacts.ingest_report import prevalence
from tests.fixtures.reports import ingest_report


def test_times_of_ingest_are_written_with_their_offset():
    content = ingest_report().to_dict()
    assert (content["as_of"], content["to"]) == ("2024-05-01T00:00:00+00:00",) * 2
    assert content["from"] == "2024-04-30T23:59:59.999999+00:00"


def test_without_as_of_the_key_stands_with_null():
    assert replace(ingest_report(), as_of=None).to_dict()["as_of"] is None


def test_the_check_of_a_secret_is_written_only_where_there_is_one():
    hashed = replace(ingest_report(), card_id_hash_key_check="ab12").to_dict()
    assert "card_id_hash_key_check" not in ingest_report().to_dict()
    assert list(hashed)[list(hashed).index("digest") + 1] == "card_id_hash_key_check"


@pytest.mark.parametrize(("fraud", "legitimate", "share"), [(1, 3, 0.25), (0, 4, 0.0), (0, 0, None)])
def test_prevalence_is_the_share_of_fraud_among_known_labels(fraud, legitimate, share):
    assert prevalence(fraud, legitimate) == share
