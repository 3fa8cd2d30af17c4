from features.simulate.history_limit import history_limit


def test_the_measured_limit_says_how_it_was_measured_and_lies_below_certainty():
    found = history_limit()
    assert "seeds" in found["text"]
    assert 0.018 < found["average_precision"] < 1
    assert 0 < found["brier_skill"] < 1
