"""What would ship against every other candidate."""

import numpy as np

from evaluation.options import BootstrapSettings
from evaluation.report.differences_section import DIFFERENCES, differences_section
from evaluation.statistics.intervals import paired_bootstrap

PEOPLE = {"fold": "test", "prevalence": 0.02}


def differences(evidence):
    drawn = paired_bootstrap(
        evidence.rows.labels,
        evidence.candidates,
        clusters=np.arange(evidence.rows.labels.size),
        rng=np.random.default_rng(1),
        settings=BootstrapSettings(resamples=50),
    )
    return drawn, differences_section(drawn, evidence, PEOPLE)


def test_the_shipped_candidate_meets_every_other_and_the_head_its_unsmoothed_twin(whole_evidence):
    _, found = differences(whole_evidence)
    pairs = list(dict.fromkeys((each["candidate"], each["other"]) for each in found))
    others = [name for name in whole_evidence.candidates if name != "hybrid"]
    assert pairs == [*(("hybrid", other) for other in others), ("mlp", "mlp_unsmoothed")]
    assert [each["statistic"] for each in found[: len(DIFFERENCES)]] == list(DIFFERENCES)


def test_a_difference_is_the_first_minus_the_second(whole_evidence):
    drawn, found = differences(whole_evidence)
    for each in found:
        one, other = (drawn.values[each[key]][each["statistic"]] for key in ("candidate", "other"))
        assert each["value"] == one - other
        assert (each["population"], each["prevalence"]) == ("test", 0.02)
