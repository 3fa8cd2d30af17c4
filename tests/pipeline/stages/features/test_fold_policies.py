"""Weights of rows that a policy let through, beside those of late labels."""

import numpy as np
import pyarrow as pa
import pytest

from features.split import Fold, Folds, LabelsConfig
from pipeline.stages.features.fold_policies import policy_of, policy_warnings, weighed_for_policy
from pipeline.stages.features.label_weights import LabelWeights

ACTION = ["approved", "approved", "blocked", "approved", "approved", "blocked", "blocked"]
APPROVAL = [1.0, 0.25, 0.25, 1.0, 0.01, None, 0.0]
TABLE = pa.table({"action": ACTION, "approval_probability": pa.array(APPROVAL)})
LATE = np.array([2.0, 2.0, 1.0, 1.0, 3.0, 1.0, 1.0], np.float32)


def weighed(**keys):
    """Three rows of train, four of test; blocked ones are not usable."""
    fold = Fold("train", 0, 1, 3, 0, (1, 1), (0, 0), None)
    folds = Folds(np.array([0, 0, 0, 3, 3, 3, 3], np.int8), np.array([1, 1, 0, 1, 1, 0, 0], bool), (fold,), 0)
    return weighed_for_policy(LabelWeights(folds, LATE), policy_of(TABLE), LabelsConfig(**keys))


def test_a_judged_row_stands_for_the_late_and_for_the_blocked_ones_together():
    found, _ = weighed()
    assert found.weight[3:].tolist() == [1.0, 75.0, 1.0, 1.0]


def test_train_counts_every_row_once_unless_asked_and_then_with_a_mean_of_one():
    assert weighed()[0].weight[:3].tolist() == [2.0, 2.0, 1.0]
    found, _ = weighed(training_approval_cap=3.0)
    assert found.weight[:3].tolist() == [1.0, 3.0, 1.0]


def test_what_the_policy_did_is_counted_by_fold():
    _, policies = weighed()
    test = policies["test"]
    assert (test.blocked, test.without_support, test.explored, test.capped) == (2, 2, 1, 1)
    assert test.cut_share == pytest.approx(75 / 101)
    assert policies["train"].without_support == 0


def test_rows_without_a_chance_and_a_cap_that_takes_much_are_told():
    told = list(policy_warnings(weighed()[1]))
    assert told[0].startswith("2 of the 2 blocked rows of test had no known chance")
    assert "labels.approval_cap took 74% of the weight" in told[1]
    assert list(policy_warnings({})) == []


def test_data_without_a_policy_has_none():
    assert policy_of(pa.table({"label": [0, 1]})) is None
    assert not policy_of(pa.table({"approval_probability": [0.5]})).blocked.any()
