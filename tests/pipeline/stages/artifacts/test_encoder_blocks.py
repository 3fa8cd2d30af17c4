"""Networks of the encoder's blocks come back as they were written."""

import numpy as np

from models.losses import LossSettings
from pipeline.stages.artifacts.encoder_blocks import EncoderBlocks, load_encoder_blocks, save_encoder_blocks


def test_what_is_written_comes_back(tmp_path):
    networks = {until: {"a": np.arange(3.0), "b.c": np.full((2, 2), until)} for until in (-5, 1_700_000_000_000_000)}
    save_encoder_blocks(tmp_path, EncoderBlocks(LossSettings(0.1), networks))
    found = load_encoder_blocks(tmp_path)
    assert found.loss == LossSettings(0.1)
    assert found.networks.keys() == networks.keys()
    for until, state in networks.items():
        assert all(np.array_equal(found.networks[until][name], array) for name, array in state.items())


def test_without_networks_there_is_no_file(tmp_path):
    save_encoder_blocks(tmp_path, EncoderBlocks(LossSettings()))
    assert list(tmp_path.iterdir()) == []
    assert load_encoder_blocks(tmp_path) is None
