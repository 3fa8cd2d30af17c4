"""The probabilities that are judged are those of the bundle wherever it can give them."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.split import LabelsConfig
from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.scorer import loaded_scorer
from pipeline.outcomes.outcome_rows import LARGEST_GROUPING, scored_outcomes
from pipeline.storage.content import read_table


@pytest.fixture(scope="module")
def scorer(small_run):
    return loaded_scorer(checked_bundle(small_run / "export" / "bundle"))


@pytest.fixture
def rows(small_run):
    """A hundred rows of the test fold with their label, time and amount."""
    return read_table(small_run / "features" / "features.parquet", filters=pc.field("fold") == "test").slice(0, 100)


@pytest.fixture
def scored(tmp_path, scorer):
    def of(table):
        pq.write_table(table, tmp_path / "rows.parquet")
        return scored_outcomes(tmp_path / "rows.parquet", scorer, labels=LabelsConfig(), threads=1)

    return of


def test_rows_with_features_get_the_bundles_probabilities(scored, scorer, rows):
    found = scored(rows)
    expected = scorer.probabilities(rows, threads=1)["probability"]
    np.testing.assert_array_equal(found.probabilities, expected)
    assert found.timed
    assert found.remarks == ()


def test_probabilities_of_the_file_stand_where_features_are_missing(scored):
    found = scored(pa.table({"label": [0, 1], "probability": [0.25, 0.5], "amount": [1.0, 2.0]}))
    assert found.probabilities.tolist() == [0.25, 0.5]
    assert not found.timed
    assert found.rows.groups == {}
    assert [remark.startswith("the probabilities are those of the file") for remark in found.remarks] == [True]


def test_a_file_without_amounts_is_judged_with_a_remark(scored):
    found = scored(pa.table({"label": [0, 1], "probability": [0.25, 0.5]}))
    assert found.rows.amount.tolist() == [0.0, 0.0]
    assert found.remarks[-1] == "the file has no amounts: statistics of value and cost are without meaning"


@pytest.mark.parametrize(("error", "told"), [(5e-5, False), (5e-3, True)])
def test_another_probability_in_the_file_is_told_where_it_is_more_than_rounding(scored, scorer, rows, error, told):
    own = scorer.probabilities(rows, threads=1)["probability"]
    given = np.where(own < 0.5, own + error, own - error)
    found = scored(rows.append_column("probability", pa.array(given)))
    np.testing.assert_array_equal(found.probabilities, own)
    assert any(remark.startswith("100 rows have another") for remark in found.remarks) is told


def test_groups_are_the_categories_with_few_values_and_name_the_missing(scored, scorer, rows):
    name = scorer.signature.categorical[0]
    place = rows.schema.get_field_index(name)
    with_gap = pa.array([None, *rows[name].to_pylist()[1:]], rows[name].type)
    found = scored(rows.set_column(place, name, with_gap))
    assert found.rows.groups[name][0] == "(missing)"
    assert all(len(set(values)) <= LARGEST_GROUPING for values in found.rows.groups.values())


def test_an_action_blocks_as_the_older_column_does(scored):
    base = {"label": [0, 1, 1], "probability": [0.25, 0.5, 0.75], "amount": [1.0, 2.0, 3.0]}
    old = scored(pa.table(base | {"blocked": [0, 0, 1]}))
    new = scored(pa.table(base | {"action": ["approved", "challenged", "blocked"]}))
    assert old.blocked.tolist() == new.blocked.tolist() == [False, False, True]
    assert old.policy is None
    assert new.policy.challenged.tolist() == [False, True, False]


def test_opinions_are_no_outcomes_and_approval_gives_weights(scored):
    columns = {"label": [0, 1], "probability": [0.25, 0.5], "amount": [1.0, 2.0]}
    policy = {"label_source": ["Investigator", "chargeback"], "approval_probability": [1.0, 0.1]}
    found = scored(pa.table(columns | policy))
    assert np.isnan(found.rows.labels).tolist() == [True, False]
    assert found.rows.weight.tolist() == [1.0, 10.0]
    assert found.remarks[-1].startswith("1 labels are opinions")
