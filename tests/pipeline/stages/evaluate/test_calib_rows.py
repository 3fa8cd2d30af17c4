"""Calib as evaluation sees it: labelled rows and cross-fitted probabilities."""

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.stages.evaluate.calib_rows import crossfitted_calib_rows


def test_rows_are_the_labelled_ones_of_calib_in_the_order_of_their_probabilities(context):
    found = crossfitted_calib_rows(context, {})
    features = pq.read_table(context.path("features", "features.parquet"))
    labelled = features.filter(pc.and_(pc.equal(features["fold"], "calib"), features["label"].is_valid()))
    np.testing.assert_array_equal(found.rows.labels, labelled["label"].to_numpy())
    np.testing.assert_array_equal(found.rows.event_time, labelled["event_time"].cast("int64").to_numpy())
    assert {len(p) for p in found.candidates.values()} == {labelled.num_rows}
    assert found.served == {}


def test_every_column_named_for_a_smoothing_and_a_calibrator_is_an_arm(context):
    written = pq.read_table(context.path("calibrate", "crossfitted.parquet"))
    arms = crossfitted_calib_rows(context, {}).temperature
    assert len(arms) == sum("|" in name for name in written.column_names) > 0
    np.testing.assert_array_equal(arms[0.1, "inverse+affine"], written["0.1|inverse+affine"].to_numpy())
