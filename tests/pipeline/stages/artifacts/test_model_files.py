"""What train writes of its models is what later stages read."""

from typing import get_args

import numpy as np
import pytest
from safetensors.numpy import load_file

from models.booster_inputs import plain_columns
from models.encoded_booster import fit_boosted
from models.losses import LossSettings
from models.network import constant_arrays, initial_arrays, network_architecture
from models.options import BoostingConfig, EmbeddingForm, TrainConfig
from models.shared_encoder import HeadNetwork
from models.task import labelled_task
from pipeline.stages.artifacts.candidates import Head
from pipeline.stages.artifacts.model_files import load_booster, load_heads, save_booster, save_heads
from pipeline.stages.export.graph_parts import BOOSTER_FORMS
from tests.fixtures.made_rows import CARDINALITIES, made_rows, made_scaling

TRAIN, VALID = made_rows(800, seed=1), made_rows(300, seed=2)
ARCHITECTURE = network_architecture(made_scaling(TRAIN), cardinalities=CARDINALITIES)
STATE = constant_arrays(ARCHITECTURE) | initial_arrays(ARCHITECTURE, rng=np.random.default_rng(0))
LOSS = LossSettings(0.1, 3.0)


def boosted(form, *, soft_labels):
    return fit_boosted(
        labelled_task(TRAIN, VALID, architecture=ARCHITECTURE),
        head=HeadNetwork(STATE, LOSS),
        plain=plain_columns(("a", "b", "c", "d"), ("x", "y"), CARDINALITIES, limit=64),
        boosting=BoostingConfig(soft_labels=soft_labels, rounds=10),
        training=TrainConfig(epochs=1, batch_size=128, threads=1, device="cpu"),
        form=form,
    )


def test_every_form_that_ships_can_be_exported():
    assert set(BOOSTER_FORMS) >= set(get_args(EmbeddingForm))


@pytest.mark.parametrize(
    ("form", "soft_labels"),
    [("pca", True), ("prequential", False), ("out_of_time", True), ("none", False), ("aligned_logit", False)],
)
def test_what_is_read_back_scores_as_what_was_written(tmp_path, form, soft_labels):
    found = boosted(form, soft_labels=soft_labels)
    save_booster(tmp_path, found.booster, found.inputs)
    booster, inputs = load_booster(tmp_path, {"mlp": Head("mlp", STATE, LOSS, "balanced")})
    assert (tmp_path / "booster_encoder.safetensors").exists() == (form != "out_of_time")
    assert booster == found.booster
    assert (inputs.names, inputs.plain) == (found.inputs.names, found.inputs.plain)
    np.testing.assert_array_equal(booster.margins(inputs.columns(VALID)), found.valid_margins)


def test_of_a_form_that_the_head_serves_only_the_components_are_written_beside_it(tmp_path):
    found = boosted("aligned", soft_labels=False)
    save_booster(tmp_path, found.booster, found.inputs)
    assert set(load_file(tmp_path / "booster_encoder.safetensors")) == {"reduced_center", "reduced_directions"}


def test_a_head_comes_back_with_its_loss_and_its_arrays(tmp_path):
    save_heads(tmp_path, {"mlp": Head("mlp", STATE, LOSS, "balanced")})
    (head,) = load_heads(tmp_path).values()
    assert (head.loss, head.class_weight) == (LOSS, "balanced")
    assert set(head.state) == set(STATE)
    for name, array in STATE.items():
        np.testing.assert_array_equal(head.state[name], array)


def test_a_network_that_serves_two_heads_is_stored_once_under_its_owner(tmp_path):
    heads = {name: Head("mlp", dict(STATE), LossSettings(), "none") for name in ("mlp", "mlp_unsmoothed")}
    save_heads(tmp_path, heads)
    assert set(load_file(tmp_path / "network.safetensors")) == {f"mlp.{key}" for key in STATE}
    again = load_heads(tmp_path)
    assert {name: head.owner for name, head in again.items()} == {"mlp": "mlp", "mlp_unsmoothed": "mlp"}
    assert again["mlp_unsmoothed"].state is again["mlp"].state
