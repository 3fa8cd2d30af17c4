"""The booster, the encoder it looks through and the loss it minimised."""

import numpy as np
import pytest

from models.booster_inputs import plain_columns
from models.boosting import NATIVE
from models.encoded_booster import fit_boosted
from models.losses import LossSettings
from models.network import network_architecture
from models.options import BoostingConfig, TrainConfig
from models.shared_encoder import HeadNetwork
from models.task import labelled_task
from models.training.loop import fit_networks
from tests.fixtures.made_rows import CARDINALITIES, made_rows, made_scaling

TRAIN, VALID = made_rows(800, seed=1), made_rows(300, seed=2)
ARCHITECTURE = network_architecture(made_scaling(TRAIN), cardinalities=CARDINALITIES)
TRAINING = TrainConfig(epochs=1, batch_size=128, threads=1, device="cpu")
LOSS = LossSettings(0.1, 3.0)
TASK = labelled_task(TRAIN, VALID, architecture=ARCHITECTURE)
PLAIN = plain_columns(("a", "b", "c", "d"), ("x", "y"), CARDINALITIES, limit=min(CARDINALITIES))
HEAD = HeadNetwork(fit_networks(TASK, settings=[LOSS], repeats=[0], config=TRAINING)[0].state, LOSS)


def boosted(form, *, soft_labels=False, embedding="out_of_time"):
    return fit_boosted(
        TASK,
        head=HEAD,
        plain=PLAIN,
        boosting=BoostingConfig(embedding=embedding, soft_labels=soft_labels, rounds=10),
        training=TRAINING,
        form=form,
    )


def test_without_a_form_of_its_own_the_booster_has_that_of_the_configuration():
    found = boosted(None, embedding="logit")
    assert found.inputs.encoder.form == "logit"
    assert found.booster == boosted("logit", embedding="none").booster


@pytest.mark.parametrize("form", ["none", "pca", "out_of_time", "aligned_logit"])
def test_margins_are_what_the_booster_says_of_its_inputs(form):
    found = boosted(form)
    matrix = found.inputs.columns(VALID)
    np.testing.assert_array_equal(found.booster.margins(matrix), found.valid_margins)
    assert found.train_columns.shape == (800, matrix.shape[1])
    assert found.booster.columns == found.inputs.names
    np.testing.assert_array_equal(found.train_columns[:, : len(PLAIN.names)], PLAIN.columns(TRAIN))


def test_soft_labels_are_those_of_the_head_and_their_inverse_is_applied():
    soft, hard = boosted("none", soft_labels=True), boosted("none")
    assert soft.booster.loss == LOSS
    assert hard.booster.loss == NATIVE
    raw = soft.valid_margins
    inverted = soft.booster.log_odds(raw, floor=1e-3)
    # weights of 3 to 1 lift raw probabilities; after the inverse both boosters speak of the same share of fraud
    rates = [(1 / (1 + np.exp(-odds))).mean() for odds in (inverted, hard.valid_margins, raw)]
    assert abs(rates[0] - rates[1]) < 0.05 < rates[2] - rates[1]
