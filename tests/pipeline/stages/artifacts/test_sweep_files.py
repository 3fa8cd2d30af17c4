"""What evaluation reads back of the sweep."""

import numpy as np
import pyarrow as pa

from models.losses import LossSettings
from pipeline.stages.artifacts.sweep_files import read_outcomes
from pipeline.storage.content import write_json, write_table


def test_margins_beyond_what_an_exponential_holds_are_probabilities_all_the_same(tmp_path):
    margins = np.array([-2000.0, 0.0, 2000.0])
    columns = {"event_time": np.arange(3), "label": np.array([0, 0, 1]), "s000": margins}
    write_table(tmp_path / "valid.parquet", pa.table(columns))
    setting = {"column": "s000", "class_weight": "none", "loss": LossSettings().to_dict(), "repeat": 0, "guide": False}
    write_json(tmp_path / "sweep.json", {"settings": [setting | {"train_accuracy": 1.0}]})
    found = read_outcomes(tmp_path / "valid.parquet", tmp_path / "sweep.json", floor=1e-3)
    np.testing.assert_array_equal(found.unsmoothed, [0.0, 0.5, 1.0])
