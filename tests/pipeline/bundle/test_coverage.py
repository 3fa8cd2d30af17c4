"""What of feature rows a model has never met is said as a share, column by column."""

import numpy as np
import pyarrow as pa
import pytest

from pipeline.bundle.coverage import feature_coverage
from pipeline.bundle.signature import Signature

SIGNATURE = Signature(("amount", "count"), ("channel", "shop"), ("probability",))
ENCODER = {"categorical": ["channel", "shop"], "vocabularies": [{"codes": {"web": 1, "": 2}}, {"codes": {"a": 1}}]}


def table(**changed) -> pa.Table:
    columns = {"amount": [1.0, 2.0], "count": [1, 2], "channel": ["web", "web"], "shop": ["a", "a"]}
    return pa.table(columns | changed)


def test_rows_like_those_of_train_have_neither():
    found = feature_coverage(table(), SIGNATURE, ENCODER)
    assert (found.unseen, found.missing) == ({}, {})
    assert found.line == "categories unseen in training 0.0%; numbers missing 0.0%"


def test_every_category_unseen_is_said_by_column():
    found = feature_coverage(table(channel=["x", "y"], shop=["z", "a"]), SIGNATURE, ENCODER)
    assert found.unseen == {"channel": 1.0, "shop": 0.5}
    assert "categories unseen in training 75.0% (channel 100.0%, shop 50.0%)" in found.line


@pytest.mark.parametrize("missing", [pa.nulls(2, pa.float64()), pa.array([np.nan, None], pa.float64())])
def test_a_number_that_is_missing_is_null_or_nan(missing):
    assert feature_coverage(table(amount=missing), SIGNATURE, ENCODER).missing == {"amount": 1.0}


def test_a_missing_category_is_not_unseen():
    assert feature_coverage(table(shop=pa.array([None, ""])), SIGNATURE, ENCODER).unseen == {}


@pytest.mark.parametrize("encoder", [None, {}, {"categorical": ["channel"], "vocabularies": []}, []])
def test_an_encoder_that_says_nothing_leaves_categories_out(encoder):
    assert feature_coverage(table(), SIGNATURE, encoder).line == "numbers missing 0.0%"


def test_no_rows_have_no_share():
    assert feature_coverage(table().slice(0, 0), SIGNATURE, ENCODER).line
