from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.state.row_reading import kept_reading, reading_of
from pipeline.state.state_files import StateFolder
from pipeline.storage.errors import InputError


def stored(content, folder=Path("s")):
    return StateFolder(folder, {"reading": content}, "{}")


def test_rows_are_read_as_the_run_read_its_own_by_the_preset_beside_the_state():
    given = ("data.source='a.csv'", "data.preset='sparkov'", "data.categorical=['terminal']", "labels.delay='9d'")
    config = load_config(None, assignments=given, environment={})
    reading = kept_reading(stored(reading_of(config)), ("b.csv", "c.csv"))
    kept = config.data.model_dump() | {"source": ("b.csv", "c.csv"), "preset": "s/preset/preset.toml"}
    assert reading.data.model_dump() == kept | {"rows": reading.data.rows, "seed": reading.data.seed}
    assert reading.labels == config.labels
    assert not {"source", "preset"} & reading_of(config)["data"].keys()


@pytest.mark.parametrize("content", [{}, None, {"data": {"max_silence": "x"}, "labels": {}}])
def test_a_manifest_that_does_not_say_it_is_refused(content):
    with pytest.raises(InputError, match="the manifest must say how rows are read"):
        kept_reading(stored(content), ("b.csv",))
