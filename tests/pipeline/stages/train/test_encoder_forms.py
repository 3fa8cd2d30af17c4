"""Forms of the shared encoder with and without an id that knows nothing."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from evaluation.options import BootstrapSettings
from evaluation.statistics.dependence import dependence
from evaluation.statistics.populations import JudgedRows
from features.encode import Encoder
from features.scaling import fit_scaling
from features.vocabulary import Vocabulary
from models.losses import LossSettings
from models.network import network_architecture
from models.options import BoostingConfig, CalibrationConfig, TrainConfig
from models.task import labelled_task
from pipeline.stages.train.encoder_forms import CASES, LeakStudy, leak_arms, leak_table
from tests.fixtures.made_rows import CARDINALITIES, NUMERIC, made_rows

TRAIN, VALID = made_rows(1500, seed=1), made_rows(2000, seed=2)
ENCODER = Encoder(
    tuple(f"number_{index}" for index in range(NUMERIC)),
    ("a", "b"),
    tuple(Vocabulary({}, size) for size in CARDINALITIES),
    fit_scaling([column for column in TRAIN.numeric.T], knots=5),
)


def leak_study(*, forms, epochs, rounds, planted_values):
    return LeakStudy(
        encoder=ENCODER,
        loss=LossSettings(),
        forms=forms,
        planted_values=planted_values,
        training=TrainConfig(
            epochs=epochs,
            batch_size=256,
            learning_rate=1e-2,
            dropout=0,
            weight_decay=0,
            unknown_share=0,
            patience=8,
            threads=1,
            device="cpu",
        ),
        boosting=BoostingConfig(rounds=rounds, learning_rate=0.2, max_depth=4),
        calibration=CalibrationConfig(),
    )


@pytest.fixture(scope="module")
def arms():
    study = leak_study(forms=("same_rows", "missing_earlier"), epochs=8, rounds=40, planted_values=500)
    architecture = network_architecture(ENCODER.scaling, cardinalities=ENCODER.sizes)
    task = labelled_task(TRAIN, VALID, architecture=architecture)
    heard = []
    found = leak_arms(task, study=study, tell=heard.append)
    result = {(arm.case, arm.form): arm.probabilities for arm in found}
    assert heard[0] == "as it is: head"
    return result


def test_every_form_meets_every_case(arms):
    assert set(arms) == {(case.name, form) for case in CASES for form in ("none", "same_rows", "missing_earlier")}
    assert set(arms["as it is", "none"]) == {"mlp", "xgboost", "hybrid"}


def test_a_booster_without_the_encoder_does_not_notice_the_id(arms):
    for case in CASES[1:]:
        np.testing.assert_array_equal(arms[case.name, "none"]["xgboost"], arms["as it is", "none"]["xgboost"])


def test_an_id_learned_by_heart_ruins_the_naive_form_and_not_the_others(arms):
    def precision(case, form):
        return average_precision_score(VALID.label, arms[case, form]["xgboost"])

    own_rows = CASES[2].name
    lost = {form: precision("as it is", form) - precision(own_rows, form) for form in ("same_rows", "missing_earlier")}
    assert lost["same_rows"] > 0.05
    assert lost["missing_earlier"] < lost["same_rows"] / 3


def test_rows_of_one_merchant_are_no_independent_witnesses_of_a_form():
    study = leak_study(forms=("same_rows",), epochs=1, rounds=5, planted_values=0)
    task = labelled_task(TRAIN, VALID, architecture=network_architecture(ENCODER.scaling, cardinalities=ENCODER.sizes))
    merchant = np.where(VALID.label == 1, 0, np.arange(VALID.label.size))

    def width(codes):
        rows = JudgedRows(VALID.label, VALID.time, np.ones(VALID.label.size), merchant=codes)
        clusters = dependence(rows, by="merchant", fewest=2)
        table = leak_table(
            task, study=study, clusters=clusters, bootstrap=BootstrapSettings(200), tell=lambda what: None
        )
        interval = table.arms[0]["average_precision"]
        return interval["high"] - interval["low"]

    assert width(merchant) > 1.5 * width(np.arange(VALID.label.size))
