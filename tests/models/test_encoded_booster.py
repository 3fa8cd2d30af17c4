"""The booster, its encoder and the loss it minimised, from the fit through the files."""

from typing import get_args

import numpy as np
import pytest

from models.boosting import NATIVE, BoostingConfig, EmbeddingForm
from models.encoded_booster import fit_boosted
from models.losses import LossSettings
from models.network import network_architecture
from models.rows import fraud_rate
from models.training.loop import TrainConfig, fit_networks
from pipeline.stages.artifacts.candidates import Head
from pipeline.stages.artifacts.model_files import HEAD_FORMS, load_booster, save_booster
from pipeline.stages.export.graph_parts import BOOSTER_FORMS
from tests.fixtures.made_rows import CARDINALITIES, made_rows, made_scaling

TRAIN, VALID = made_rows(800, seed=1), made_rows(300, seed=2)
ARCHITECTURE = network_architecture(made_scaling(TRAIN), cardinalities=CARDINALITIES)
TRAINING = TrainConfig(epochs=1, batch_size=128, threads=1, device="cpu")
LOSS = LossSettings(0.1, 3.0)
HEAD = fit_networks(
    TRAIN,
    VALID,
    architecture=ARCHITECTURE,
    settings=[LOSS],
    repeats=[0],
    prevalence=fraud_rate(TRAIN),
    config=TRAINING,
)[0].state


def boosted(form, *, soft_labels=False):
    return fit_boosted(
        TRAIN,
        VALID,
        head=HEAD,
        loss=LOSS,
        architecture=ARCHITECTURE,
        numeric=("a", "b", "c", "d"),
        boosting=BoostingConfig(embedding=form, soft_labels=soft_labels, rounds=10),
        training=TRAINING,
        floor=1e-3,
    )


def test_every_form_of_the_encoder_can_be_exported():
    assert set(BOOSTER_FORMS) == set(get_args(EmbeddingForm))


@pytest.mark.parametrize(
    ("form", "soft_labels"), [("pca", True), ("prequential", False), ("out_of_time", True), ("none", False)]
)
def test_what_is_read_back_scores_as_what_was_written(tmp_path, form, soft_labels):
    found = boosted(form, soft_labels=soft_labels)
    save_booster(tmp_path, found.booster, found.encoder)
    booster, encoder = load_booster(tmp_path, {"mlp": Head("mlp", HEAD, LOSS, "balanced")})
    assert (tmp_path / "booster_encoder.safetensors").exists() == (form not in HEAD_FORMS)
    assert booster == found.booster
    matrix = np.concatenate([VALID.numeric, encoder.columns(VALID)], axis=1)
    np.testing.assert_array_equal(booster.log_odds(matrix, floor=1e-3), found.valid_log_odds)


def test_soft_labels_are_those_of_the_head_and_their_inverse_is_applied():
    soft, hard = boosted("none", soft_labels=True), boosted("none")
    assert soft.booster.loss == LOSS
    assert hard.booster.loss == NATIVE
    raw = soft.booster.margins(VALID.numeric)
    # weights of 3 to 1 lift raw probabilities; after the inverse both boosters speak of the same share of fraud
    rates = [(1 / (1 + np.exp(-odds))).mean() for odds in (soft.valid_log_odds, hard.valid_log_odds, raw)]
    assert abs(rates[0] - rates[1]) < 0.05 < rates[2] - rates[1]
