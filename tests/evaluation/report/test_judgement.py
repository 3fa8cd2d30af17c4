"""What decides, from the evidence of a whole run."""

from dataclasses import replace

import numpy as np

from evaluation.options import EvaluationConfig
from evaluation.report.evaluation_report import STREAMS
from evaluation.report.judgement import judgement
from evaluation.statistics.random_streams import named_streams

CONFIG = EvaluationConfig(resamples=100)


def judged(evidence):
    return judgement(evidence, config=CONFIG, draw=named_streams(np.random.default_rng(1), STREAMS))


def test_the_gate_sees_the_draws_of_the_table(whole_evidence):
    found = judged(whole_evidence)
    assert found.evidence.observed_expected == found.drawn.interval(whole_evidence.shipped, "observed_expected")


def test_an_anchor_changes_nothing_for_the_champion(whole_evidence):
    alone = judged(whole_evidence)
    both = judged(replace(whole_evidence, anchor=replace(whole_evidence.champion, name="2", role="anchor")))
    assert both.evidence.champion == alone.evidence.champion
    assert both.evidence.anchor is not None
    assert both.evidence.anchor.name == "anchor 2"
    assert alone.evidence.anchor is None


def test_the_calibrators_noise_widens_the_level(whole_evidence):
    known, taken = judged(whole_evidence), judged(replace(whole_evidence, calib=None))
    widths = [i.evidence.observed_expected.high - i.evidence.observed_expected.low for i in (known, taken)]
    assert widths[0] > 1.1 * widths[1]
