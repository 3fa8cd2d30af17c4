from dataclasses import replace

import numpy as np
import pytest

from evaluation.errors import InputError
from evaluation.report.evidence import evidence_of_known_rows


def with_unknown(evidence, rows):
    labels = evidence.rows.labels.copy()
    labels[rows] = np.nan
    return replace(evidence, rows=replace(evidence.rows, labels=labels))


def test_every_array_loses_the_same_rows(whole_evidence):
    kept, unknown = evidence_of_known_rows(with_unknown(whole_evidence, slice(0, 500)))
    assert unknown == 500
    for arrays in (kept.candidates, kept.before, kept.temperature_test):
        assert {p.size for p in arrays.values()} == {11_500}
    assert kept.champion.probabilities.size == kept.rows.amount.size == 11_500
    assert (kept.candidates["hybrid"] == whole_evidence.candidates["hybrid"][500:]).all()


def test_a_champion_that_could_not_score_is_left_as_it_is(whole_evidence):
    broken = replace(whole_evidence.champion, probabilities=np.empty(0), problem="it lacks a feature")
    kept, _ = evidence_of_known_rows(with_unknown(replace(whole_evidence, champion=broken), slice(0, 9)))
    assert kept.champion is broken


def test_a_shipped_candidate_that_does_not_exist_is_the_callers_mistake(whole_evidence):
    with pytest.raises(InputError, match="candidates must hold ensemble, got"):
        evidence_of_known_rows(replace(whole_evidence, shipped="ensemble"))


def test_no_known_label_at_all_is_refused_with_the_number_of_rows(whole_evidence):
    with pytest.raises(InputError, match="must hold rows of known label, got none among 12000 rows"):
        evidence_of_known_rows(with_unknown(whole_evidence, slice(None)))
