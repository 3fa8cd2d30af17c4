import numpy as np
import pytest
import xgboost
from sklearn.metrics import log_loss

from models.boosting import LabelledMatrix, fit_booster
from models.options import BoostingConfig, TrainConfig

COLUMNS = ("a", "b", "c")


def made_matrix(size, *, seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(size, 3)).astype(np.float32)
    matrix[rng.random((size, 3)) < 0.1] = np.nan
    z = 2 * np.nan_to_num(matrix[:, 0]) + np.nan_to_num(matrix[:, 1]) ** 2 - 2
    return LabelledMatrix(
        matrix, (rng.random(size) < 1 / (1 + np.exp(-z))).astype(np.float32), np.ones(size, dtype=np.float32)
    )


TRAIN, VALID = made_matrix(1500, seed=1), made_matrix(800, seed=2)


def fitted(train=TRAIN, valid=VALID, *, columns=COLUMNS, seed=3, **keywords):
    config = BoostingConfig(**({"rounds": 300, "learning_rate": 0.3, "patience": 5, "max_depth": 3} | keywords))
    return fit_booster(
        train, valid, columns=columns, config=config, training=TrainConfig(seed=seed, threads=1, device="cpu")
    )


def test_the_exported_bytes_hold_the_best_round_and_no_more():
    booster = fitted()
    history = booster.valid_log_loss
    assert len(history) == booster.best_round + 5
    assert booster.best_round == 1 + int(np.argmin(history))
    probability = 1 / (1 + np.exp(-booster.margins(VALID.matrix)))
    assert log_loss(VALID.label, probability) == pytest.approx(history[booster.best_round - 1], abs=1e-6)
    bare = xgboost.Booster(model_file=bytearray(booster.model))
    assert bare.num_boosted_rounds() == booster.best_round
    assert bare.attributes() == {}
    names = xgboost.DMatrix(VALID.matrix, feature_names=["f0", "f1", "f2"])
    np.testing.assert_allclose(bare.predict(names, output_margin=True), booster.margins(VALID.matrix), atol=1e-6)


def test_rounds_are_told_as_they_come_and_change_no_byte():
    told = []
    config = BoostingConfig(rounds=300, learning_rate=0.3, patience=5, max_depth=3)
    training = TrainConfig(seed=3, threads=1, device="cpu")
    booster = fit_booster(
        TRAIN, VALID, columns=COLUMNS, config=config, training=training, progress=lambda *round_: told.append(round_)
    )
    assert told == [(number, 300) for number in range(1, booster.best_round + 6)]
    assert booster.model == fitted().model


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_a_booster_of_a_share_of_the_legitimate_rows_speaks_of_all(share):
    train, valid = rare_matrix(12_000, seed=14), rare_matrix(6_000, seed=15)
    booster = fitted(train, valid, legitimate_share=share, learning_rate=0.1)
    probability = 1 / (1 + np.exp(-booster.margins(valid.matrix)))
    assert valid.label.sum() / probability.sum() == pytest.approx(1, abs=0.12)
    assert log_loss(valid.label, probability) == pytest.approx(booster.valid_log_loss[booster.best_round - 1], abs=1e-6)
    assert log_loss(valid.label, probability) < 1.05 * fitted(train, valid, learning_rate=0.1).valid_log_loss[-1]


def rare_matrix(size, *, seed):
    """Of the same law, with three quarters of the frauds taken away."""
    data = made_matrix(size, seed=seed)
    kept = (data.label == 0) | (np.random.default_rng(seed).random(size) < 0.25)
    return LabelledMatrix(data.matrix[kept], data.label[kept], data.weight[kept])


def test_same_seed_same_bytes():
    assert fitted().model == fitted().model


def test_a_monotone_column_only_lifts_the_margin():
    booster = fitted(monotone={"a": 1})
    grid = np.zeros((50, 3), dtype=np.float32)
    grid[:, 0] = np.linspace(-3, 3, 50)
    assert (np.diff(booster.margins(grid)) >= 0).all()


def test_soft_labels_are_taken_as_they_are():
    smoothed = LabelledMatrix(TRAIN.matrix, TRAIN.label * 0.8 + 0.1, TRAIN.weight)
    margins = fitted(smoothed, rounds=30).margins(VALID.matrix)
    # targets of .1 and .9 leave no reason to go far beyond their log odds
    assert np.abs(margins).max() < np.abs(fitted(rounds=30).margins(VALID.matrix)).max()
    assert np.corrcoef(margins, VALID.label)[0, 1] > 0.5


def test_a_row_weight_of_two_is_the_row_twice():
    weight = TRAIN.weight.copy()
    weight[:300] = 2
    twice = np.concatenate([np.arange(1500), np.arange(300)])
    repeated = LabelledMatrix(TRAIN.matrix[twice], TRAIN.label[twice], TRAIN.weight[twice])
    options = {"subsample": 1, "colsample": 1, "rounds": 3}
    one, two = fitted(LabelledMatrix(TRAIN.matrix, TRAIN.label, weight), **options), fitted(repeated, **options)
    # histogram cuts are weighted quantiles, which a repeated row moves by a rank
    assert np.corrcoef(one.margins(VALID.matrix), two.margins(VALID.matrix))[0, 1] > 0.99


def test_all_faults_of_the_input_are_said_at_once():
    broken = TRAIN.matrix.copy()
    broken[3, 1] = np.inf
    one_class = LabelledMatrix(VALID.matrix, np.zeros(800, dtype=np.float32), VALID.weight)
    with pytest.raises(
        ValueError, match=r"3 faults.*'d', which is no column; train has 1 infinite values; valid must hold both"
    ):
        fitted(LabelledMatrix(broken, TRAIN.label, TRAIN.weight), one_class, monotone={"d": 1})


def test_unknown_labels_are_refused():
    label = TRAIN.label.copy()
    label[0] = np.nan
    with pytest.raises(ValueError, match=r"labels of train must lie in \[0, 1\]"):
        fitted(LabelledMatrix(TRAIN.matrix, label, TRAIN.weight))


def test_margins_ask_for_the_columns_of_the_fit():
    with pytest.raises(ValueError, match="takes 3 columns, got 2"):
        fitted(rounds=2).margins(VALID.matrix[:, :2])


def rare_rule(size, *, seed):
    """Rows of noise, but that those above 4 in the first column, one in a thousand, are all frauds."""
    rng = np.random.default_rng(seed)
    column = rng.uniform(0, 1, size).astype(np.float32)
    column[rng.random(size) < 0.001] += 4
    label = np.where(column > 4, 1, rng.random(size) < 0.02).astype(np.float32)
    return LabelledMatrix(np.stack([column, column[::-1]], axis=1), label, np.ones(size, dtype=np.float32))


@pytest.mark.parametrize(("tail_bins", "found"), [(0, False), (32, True)])
def test_a_rare_value_that_is_certain_is_found_by_cuts_in_the_tail(tail_bins, found):
    train, valid = rare_rule(60_000, seed=1), rare_rule(20_000, seed=2)
    booster = fitted(train, valid, columns=("a", "b"), tail_bins=tail_bins, min_child_weight=0, colsample=1)
    certain = booster.margins(valid.matrix)[valid.matrix[:, 0] > 4]
    assert (certain.min() > 0) == found


def test_more_bins_for_the_tail_than_half_are_refused():
    with pytest.raises(ValueError, match=r"tail_bins must be at most half of max_bin \(32\), got 17"):
        BoostingConfig(max_bin=32, tail_bins=17)


def test_without_valid_every_round_is_kept():
    booster = fitted(valid=None, rounds=17)
    assert (booster.best_round, booster.valid_log_loss) == (17, ())
    assert xgboost.Booster(model_file=bytearray(booster.model)).num_boosted_rounds() == 17
