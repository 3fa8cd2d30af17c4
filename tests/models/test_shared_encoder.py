import functools
from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import PCA

from models.losses import LossSettings
from models.network import embeddings, margins, network_architecture
from models.options import BoostingConfig, TrainConfig
from models.rows import RowArrays, taken_rows
from models.shared_encoder import (
    GRID,
    HeadNetwork,
    encoder_columns,
    fit_shared_encoder,
    fresh_networks,
    time_borders,
)
from models.task import labelled_task
from models.training.loop import fit_networks
from tests.fixtures.made_rows import CARDINALITIES, made_rows, made_scaling

TRAIN, VALID = made_rows(800, seed=1), made_rows(300, seed=2)
ARCHITECTURE = network_architecture(made_scaling(TRAIN), cardinalities=CARDINALITIES)
TASK = labelled_task(TRAIN, VALID, architecture=ARCHITECTURE)
CONFIG = TrainConfig(epochs=1, batch_size=128, threads=1, device="cpu")
HEAD = fit_networks(TASK, settings=[LossSettings()], repeats=[0], config=CONFIG)[0].state


def encoded(form, train=TRAIN, network_until=None, valid=VALID, **keywords):
    return fit_shared_encoder(
        replace(TASK, train=train, valid=valid),
        head=HeadNetwork(HEAD, LossSettings()),
        form=form,
        boosting=BoostingConfig(**keywords),
        config=CONFIG,
        network_until=network_until,
    )


def with_labels_flipped(rows, flipped):
    label = np.where(flipped, 1 - rows.label, rows.label)
    return RowArrays(rows.numeric, rows.categorical, label.astype(np.float32), rows.weight, rows.time)


@pytest.mark.parametrize(
    "form", ["later", "missing_earlier", "logit", "pca", "out_of_time", "prequential", "aligned", "aligned_logit"]
)
def test_no_row_of_train_is_shown_a_value_that_its_own_or_a_later_label_moved(form):
    # flipping every label from a time on may change nothing that the booster sees up to the next block
    start = 600
    before = encoded(form).columns
    after = encoded(form, with_labels_flipped(TRAIN, np.arange(800) >= start)).columns
    np.testing.assert_array_equal(before[: start + 1], after[: start + 1])
    np.testing.assert_array_equal(np.isnan(before), np.isnan(after))
    assert np.isfinite(before[start:]).all()


def test_the_naive_form_shows_rows_their_own_labels():
    before, after = (
        embeddings(HEAD, TRAIN),
        encoded("same_rows").columns,
    )
    np.testing.assert_allclose(after, before, atol=0.5 / GRID + 1e-6)


def test_out_of_time_serves_the_head_and_hides_the_first_block():
    result = encoded("out_of_time", blocks=4)
    assert result.encoder.names == ("head_logit",)
    np.testing.assert_allclose(result.encoder.columns(VALID)[:, 0], margins(HEAD, VALID), atol=0.5 / GRID + 1e-5)
    assert np.isnan(result.columns[:200]).all()
    assert np.isfinite(result.columns[201:]).all()
    assert result.kept.all()


def test_the_later_form_gives_the_booster_the_later_rows_only():
    result = encoded("later", encoder_share=0.25)
    np.testing.assert_array_equal(result.kept, TRAIN.time > TRAIN.time[200])
    assert result.columns.shape == (800, 128)
    assert len(result.encoder.names) == 128


def test_form_none_adds_no_column_and_no_network():
    result = encoded("none")
    assert result.columns.shape == (800, 0)
    assert result.encoder.columns(VALID).shape == (300, 0)
    assert result.encoder.state == {}


def test_prequential_serves_the_network_whose_last_block_the_booster_saw():
    result = encoded("prequential", blocks=4)
    later = TRAIN.time > TRAIN.time[600]
    np.testing.assert_array_equal(result.columns[later], result.encoder.columns(taken_rows(TRAIN, later)))
    assert np.isnan(result.columns[:200]).all()
    assert result.columns.shape == (800, 128)


def test_a_network_that_goes_on_gently_keeps_the_meaning_of_its_columns():
    # correlation per column of what two networks say of the same rows
    def agreement(one, other):
        pairs = zip(embeddings(one, VALID).T, embeddings(other, VALID).T, strict=True)
        return np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs if a.std() > 0 and b.std() > 0])

    first = fresh_networks(TASK, loss=LossSettings(), config=CONFIG)(TRAIN.time[200])
    gone_on = encoded("prequential", blocks=4).encoder.state
    reseeded = CONFIG.model_copy(update={"seed": 8})
    other = fresh_networks(TASK, loss=LossSettings(), config=reseeded)(TRAIN.time[200])
    assert agreement(first, gone_on) > 0.95
    assert abs(agreement(first, other)) < 0.5


def test_principal_components_are_those_of_the_rows_the_encoder_has_not_seen():
    result = encoded("pca", components=5)
    later = taken_rows(TRAIN, TRAIN.time > TRAIN.time[400])
    peer = PCA(5).fit(embeddings(result.encoder.state, later).astype(np.float64))
    expected = peer.transform(embeddings(result.encoder.state, VALID))
    found = result.encoder.columns(VALID)
    signs = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found * signs, expected, atol=0.5 / GRID + 1e-4)
    assert result.encoder.names == tuple(f"component_{index}" for index in range(5))


def of_another_seed(border):
    """Networks of other initial weights than the head's, which know the rows up to a time."""
    return fresh_networks(TASK, loss=LossSettings(), config=CONFIG.model_copy(update={"seed": 8}))(border)


def test_aligned_components_serve_the_head_and_are_those_of_its_embedding_of_valid():
    result = encoded("aligned", components=5)
    assert result.encoder.names == tuple(f"component_{index}" for index in range(5))
    assert {name for name in result.encoder.state if name not in HEAD} == {"reduced_center", "reduced_directions"}
    peer = PCA(5).fit_transform(embeddings(HEAD, VALID).astype(np.float64))
    found = result.encoder.columns(VALID)
    np.testing.assert_allclose(found * np.sign((found * peer).sum(axis=0)), peer, atol=0.5 / GRID + 1e-4)


def test_a_network_of_other_weights_speaks_in_the_heads_components_of_rows_it_has_not_seen():
    # the head has seen them, so what it says itself is the truth of the map and nothing more
    result = encoded("aligned", network_until=of_another_seed, components=3)
    later = TRAIN.time > TRAIN.time[200]
    truth, found = result.encoder.columns(TRAIN)[later], result.columns[later]
    unexplained = ((found - truth) ** 2).mean(axis=0) / truth.var(axis=0)
    # nothing unexplained would be the head's own values, which know the labels of these rows
    assert 0 < unexplained[0] < 0.1
    assert unexplained.max() < 0.5
    assert np.isnan(result.columns[~later]).all()


def test_an_alignment_reads_no_label_of_valid():
    found = encoded("aligned_logit", network_until=lambda _: HEAD)
    unknown = with_labels_flipped(VALID, np.ones(300, dtype=bool))
    blind = encoded("aligned_logit", network_until=lambda _: HEAD, valid=unknown)
    np.testing.assert_array_equal(found.columns, blind.columns)
    np.testing.assert_array_equal(found.encoder.columns(VALID), blind.encoder.columns(VALID))


def test_an_alignment_is_fitted_on_no_row_of_train():
    # both networks held, a row of train may move what is shown of itself and of nothing else
    moved = RowArrays(TRAIN.numeric.copy(), TRAIN.categorical, TRAIN.label, TRAIN.weight, TRAIN.time)
    moved.numeric[300] += 5
    before, after = (encoded("aligned", train, network_until=lambda _: HEAD).columns for train in (TRAIN, moved))
    assert np.flatnonzero((before != after).any(axis=1) & np.isfinite(before[:, 0])).tolist() == [300]


def test_the_aligned_logit_is_that_of_out_of_time_and_stands_before_the_components():
    until = functools.cache(of_another_seed)
    both, logit, components = (
        encoded(form, network_until=until) for form in ("aligned_logit", "out_of_time", "aligned")
    )
    assert both.encoder.names == (*logit.encoder.names, *components.encoder.names)
    np.testing.assert_array_equal(both.columns, np.concatenate([logit.columns, components.columns], axis=1))


def test_networks_that_a_caller_has_are_not_fitted_again():
    asked = []

    def kept(border):
        asked.append(border)
        return HEAD

    result = encoded("missing_earlier", network_until=kept)
    assert asked == [TRAIN.time[400]]
    np.testing.assert_array_equal(result.encoder.columns(VALID), encoder_columns("missing_earlier", HEAD, VALID))


@pytest.mark.parametrize("threads", [2, 3])
def test_networks_of_earlier_blocks_fitted_side_by_side_are_those_fitted_one_after_another(threads):
    config = CONFIG.model_copy(update={"threads": threads})
    head = HeadNetwork(HEAD, LossSettings())
    boosting = BoostingConfig(embedding="out_of_time", blocks=4)
    both = [
        fit_shared_encoder(TASK, head=head, form="out_of_time", boosting=boosting, config=each).columns
        for each in (CONFIG, config)
    ]
    np.testing.assert_array_equal(*both)


def test_values_lie_on_a_grid_that_the_last_bit_cannot_leave():
    values = encoded("logit").encoder.columns(VALID)
    np.testing.assert_array_equal(values * GRID, np.round(values * GRID))


def test_row_order_changes_no_border():
    shuffled = np.random.default_rng(0).permutation(TRAIN.time)
    assert time_borders(shuffled, [0.25, 0.5]) == time_borders(TRAIN.time, [0.25, 0.5])


def test_train_at_one_moment_is_refused():
    with pytest.raises(ValueError, match="train must spread over 3 blocks of time, got 1 times"):
        time_borders(np.zeros(50, dtype=np.int64), [0.3, 0.6])


def test_an_earlier_part_of_one_class_is_refused():
    quiet = with_labels_flipped(TRAIN, (np.arange(800) < 500) & (TRAIN.label == 1))
    with pytest.raises(ValueError, match="the earlier part of train must hold both classes"):
        encoded("logit", taken_rows(quiet, np.arange(800)))
