import numpy as np
import pytest

from evaluation.report.coverage_section import bands, coverage_warnings, policy_coverage
from evaluation.statistics.approval import PolicyRows
from evaluation.statistics.populations import JudgedRows

ACTION = np.array(["approved", "approved", "challenged", "blocked", "blocked", "approved"])
APPROVAL = np.array([1.0, 1.0, 1.0, 0.1, np.nan, 0.02])
PROMISED = np.array([0.0005, 0.2, 0.3, 0.7, 1.0, 0.9])
LABELLED = np.array([True, True, True, False, False, True])
POLICY = PolicyRows(ACTION, APPROVAL, cap=25)


def covered():
    weight = np.array([1.0, 1.0, 1.0, 25.0])
    judged = JudgedRows(np.array([0.0, 0.0, 1.0, 1.0]), np.arange(4), np.ones(4), weight=weight)
    return policy_coverage(judged, PROMISED, LABELLED, POLICY)


def test_every_row_of_the_fold_is_counted_whether_it_has_a_label_or_not():
    found = covered()
    assert (found["rows"], found["labelled"], found["blocked"], found["without_support"]) == (6, 4, 2, 1)
    assert found["promised_without_support"] == 1.0
    assert found["weights"] == {
        "cap": 25,
        "explored": 1,
        "effective_rows": pytest.approx(28**2 / 628),
        "capped": 1,
        "cut_share": pytest.approx(25 / 53),
    }


def test_shares_of_a_band_are_those_of_its_rows_and_an_empty_band_has_none():
    found = bands(PROMISED, LABELLED, POLICY)
    assert [band["rows"] for band in found] == [1, 0, 0, 2, 3]
    assert found[1]["blocked"] is None
    top = found[-1]
    assert (top["approved"], top["blocked"], top["labelled"]) == pytest.approx((1 / 3, 2 / 3, 1 / 3))
    assert found[3]["challenged"] == 0.5


def test_rows_that_nobody_can_judge_and_weight_that_the_cap_took_are_told():
    told = coverage_warnings(covered())
    assert told[0].startswith("1 of 2 blocked rows had no known chance to be let through")
    assert "takes 47 % of the weight" in told[1]
    quiet = covered() | {"without_support": 0}
    quiet["weights"]["cut_share"] = 0.01
    assert coverage_warnings(quiet) == []
