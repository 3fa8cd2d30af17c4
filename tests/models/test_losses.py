import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import InputError
from models.losses import (
    LossSettings,
    class_ratio,
    evidence_at,
    focal_log_odds,
    loss_table,
    posterior,
    smoothed_cross_entropy,
    tail_floor,
    target_coefficients,
    target_probabilities,
)
from models.options import torch_smoothing
from tests.oracles.loss_optimum import optimal_margins, row_losses

CPU = torch.device("cpu")
SETTINGS = [
    LossSettings(smoothing=smoothing, ratio=ratio, weighting=weighting)
    for smoothing in (0.0, 0.1, 0.4)
    for ratio in (1.0, 20.0)
    for weighting in ("example", "column")
]


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(3)
    logits_SBK = 3 * torch.randn(len(SETTINGS), 64, 2, generator=generator)
    labels_B = (torch.rand(64, generator=generator) < 0.2).long()
    return logits_SBK, labels_B


def loss_of(logits_SBK, targets, each=SETTINGS, **keywords):
    table = loss_table(each, prevalence=0.1, device=CPU)
    return smoothed_cross_entropy(logits_SBK, target_probabilities(targets), table, denominator=64, **keywords)


def test_column_weighting_is_the_loss_of_torch_itself(batch):
    logits_SBK, labels_B = batch
    for index, each in enumerate(SETTINGS):
        if each.weighting == "column":
            weight = torch.tensor(each.weights(0.1), dtype=torch.float32)
            peer = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=each.epsilon, reduction="sum")
            expected = peer(logits_SBK[index], labels_B) / 64
            torch.testing.assert_close(loss_of(logits_SBK, labels_B)[index], expected, rtol=2e-6, atol=1e-6)


def test_example_weighting_is_the_smoothed_loss_of_torch_times_the_weight_of_the_true_class(batch):
    logits_SBK, labels_B = batch
    for index, each in enumerate(SETTINGS):
        if each.weighting == "example":
            weight_B = torch.tensor(each.weights(0.1), dtype=torch.float32)[labels_B]
            peer = torch.nn.CrossEntropyLoss(label_smoothing=each.epsilon, reduction="none")
            expected = (weight_B * peer(logits_SBK[index], labels_B)).sum() / 64
            torch.testing.assert_close(loss_of(logits_SBK, labels_B)[index], expected, rtol=2e-6, atol=1e-6)


def test_focal_loss_is_its_definition_per_class(batch):
    logits_SBK, labels_B = batch
    each = LossSettings(smoothing=0.1, ratio=5.0, weighting="column", gamma=2.0)
    weight = torch.tensor(each.weights(0.1), dtype=torch.float64)
    expected = sum(
        row_losses(
            logits_SBK[0, labels_B == k].double(), k, smoothing=0.1, weight=weight, weighting="column", gamma=2.0
        ).sum()
        for k in (0, 1)
    )
    assert float(loss_of(logits_SBK[:1], labels_B, [each])[0]) == pytest.approx(float(expected) / 64, rel=1e-5)


@pytest.mark.parametrize("form", ["soft labels", "probabilities"])
def test_labels_and_probability_targets_are_one_function(batch, form):
    logits_SBK, labels_B = batch
    soft = labels_B.float() if form == "soft labels" else torch.nn.functional.one_hot(labels_B, 2).float()
    torch.testing.assert_close(loss_of(logits_SBK, soft), loss_of(logits_SBK, labels_B), rtol=0, atol=0)


def test_soft_targets_of_column_weighting_are_those_of_torch(batch):
    logits_SBK, labels_B = batch
    soft_BK = torch.stack([1 - 0.3 * labels_B - 0.1, 0.3 * labels_B + 0.1], dim=1)
    each = SETTINGS[3]
    weight = torch.tensor(each.weights(0.1), dtype=torch.float32)
    expected = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=each.epsilon)(logits_SBK[0], soft_BK)
    torch.testing.assert_close(loss_of(logits_SBK[:1], soft_BK, [each])[0], expected)


def test_two_halves_of_a_batch_add_up_to_the_whole(batch):
    logits_SBK, labels_B = batch
    halves = loss_of(logits_SBK[:, :32], labels_B[:32]) + loss_of(logits_SBK[:, 32:], labels_B[32:])
    torch.testing.assert_close(halves, loss_of(logits_SBK, labels_B))


def test_a_row_weight_of_two_is_the_row_twice(batch):
    logits_SBK, labels_B = batch
    weight_B = torch.ones(64)
    weight_B[:10] = 2
    twice = torch.cat([torch.arange(64), torch.arange(10)])
    torch.testing.assert_close(
        loss_of(logits_SBK, labels_B, row_weight_B=weight_B), loss_of(logits_SBK[:, twice], labels_B[twice])
    )


def test_the_loss_is_float32_under_autocast(batch):
    logits_SBK, labels_B = batch
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = loss_of(logits_SBK, labels_B)
    assert inside.dtype == torch.float32
    torch.testing.assert_close(inside, loss_of(logits_SBK, labels_B), rtol=0, atol=0)


def test_weights_have_mean_one_over_train():
    for name, prevalence in itertools.product(("none", "sqrt", "balanced"), (0.018, 0.4)):
        legitimate, fraud = LossSettings(ratio=class_ratio(name, prevalence)).weights(prevalence)
        assert (1 - prevalence) * legitimate + prevalence * fraud == pytest.approx(1)
        assert fraud / legitimate == pytest.approx(class_ratio(name, prevalence))


def test_the_two_conventions_meet_at_their_conversion(batch):
    logits_SBK, labels_B = batch
    pair = [LossSettings(smoothing=0.1, convention="non_target"), LossSettings(smoothing=0.2)]
    assert torch_smoothing(0.1, "non_target") == pytest.approx(0.2)
    loss_S = loss_of(logits_SBK[:1].expand(2, -1, -1), labels_B, pair)
    assert float(loss_S[0]) == pytest.approx(float(loss_S[1]))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"smoothing": 1.0}, "smoothing must be in"),
        ({"smoothing": 0.5, "convention": "non_target"}, r"smoothing must be in \[0, 1\) in torch's sense, got 0.5"),
        ({"smoothing": float("nan")}, "smoothing must be in"),
        ({"ratio": 0.0}, "ratio of class weights"),
        ({"gamma": -1.0}, "gamma must be"),
        ({"convention": "prior"}, r"a prior belongs to convention 'prior' alone, got None"),
        ({"prior": 0.02}, r"got 0.02 \(uniform\)"),
        ({"convention": "prior", "prior": 1.0}, "strictly between 0 and 1, got 1.0"),
    ],
)
def test_impossible_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        LossSettings(**wrong)


@pytest.mark.parametrize("targets", [torch.tensor([0.0, 17.5]), torch.ones(4, 2), torch.ones(4, 3) / 3])
def test_regression_and_several_labels_a_row_are_refused(targets):
    with pytest.raises(ValueError, match="targets must be"):
        target_probabilities(targets)


def test_a_framework_without_label_smoothing_is_refused_unless_nothing_is_smoothed(monkeypatch):
    class CrossEntropyLoss:
        def __init__(self, weight=None, reduction="mean"):
            """As torch had it before 1.10."""

    monkeypatch.setattr(torch.nn, "CrossEntropyLoss", CrossEntropyLoss)
    assert not loss_table([LossSettings()], prevalence=0.1, device=CPU).focal
    with pytest.raises(ValueError, match=r"takes label_smoothing \(torch from 1.10 on\), got .*CrossEntropyLoss"):
        loss_table([LossSettings(), LossSettings(0.1)], prevalence=0.1, device=CPU)


@pytest.mark.parametrize("convention", ["uniform", "non_target", "prior"])
@pytest.mark.parametrize("weighting", ["example", "column"])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_the_posterior_undoes_the_minimiser_of_the_true_loss(convention, weighting, gamma):
    eta = np.array([0.002, 0.01, 0.1, 0.35, 0.5, 0.8, 0.97, 0.998])
    prior = 0.018 if convention == "prior" else None
    for smoothing, ratio in itertools.product((0.0, 0.05, 0.2, 0.45), (1.0, 7.4, 54.6)):
        loss = LossSettings(smoothing, ratio, weighting, convention, gamma, prior)
        margin = optimal_margins(
            eta, smoothing=loss.epsilon, ratio=ratio, weighting=weighting, gamma=gamma, anchor=loss.anchor
        )
        np.testing.assert_allclose(posterior(margin, loss).probability, eta, atol=1e-4)


@pytest.mark.parametrize("weighting", ["example", "column"])
@pytest.mark.parametrize("gamma", [0.0, 2.0])
@pytest.mark.parametrize("kept", [0.5, 0.02])
def test_the_posterior_speaks_of_all_rows_where_a_share_of_the_legitimate_was_seen(weighting, gamma, kept):
    eta = np.array([0.0002, 0.002, 0.01, 0.1, 0.5, 0.8])
    seen = eta / (eta + kept * (1 - eta))
    for smoothing, ratio in itertools.product((0.0, 0.05, 0.2), (1.0, 7.4)):
        loss = LossSettings(smoothing, ratio, weighting, gamma=gamma, kept=kept)
        margin = optimal_margins(
            seen, smoothing=loss.epsilon, ratio=ratio, weighting=weighting, gamma=gamma, anchor=loss.anchor
        )
        np.testing.assert_allclose(posterior(margin, loss, floor=1e-4).probability, eta, rtol=2e-3)
        assert evidence_at(float(np.log(eta[3] / (1 - eta[3]))), loss) == pytest.approx(
            margin[3] if gamma == 0 else focal_log_odds(margin, gamma)[3], abs=1e-3
        )


def test_weights_have_a_mean_of_one_over_the_rows_that_are_seen():
    legitimate, fraud = LossSettings(ratio=5.0, kept=0.1).weights(0.02)
    assert (0.1 * 0.98 * legitimate + 0.02 * fraud) / (0.1 * 0.98 + 0.02) == pytest.approx(1)


@pytest.mark.parametrize("kept", [0.0, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused(kept):
    with pytest.raises(InputError, match="share of legitimate rows that are kept must be in"):
        LossSettings(kept=kept)


@pytest.mark.parametrize("weighting", ["example", "column"])
def test_the_loss_towards_the_prior_is_that_of_its_targets(batch, weighting):
    logits_SBK, labels_B = batch
    each = LossSettings(0.2, 20.0, weighting, "prior", prior=0.1)
    weight = torch.tensor(each.weights(0.1), dtype=torch.float64)
    expected = sum(
        row_losses(
            logits_SBK[0, labels_B == k].double(),
            k,
            smoothing=0.2,
            weight=weight,
            weighting=weighting,
            gamma=0.0,
            anchor=0.1,
        ).sum()
        for k in (0, 1)
    )
    assert float(loss_of(logits_SBK[:1], labels_B, [each])[0]) == pytest.approx(float(expected) / 64, rel=1e-5)


def test_towards_the_prior_a_legitimate_row_is_told_fraud_with_a_probability_near_it():
    towards = {
        convention: optimal_margins([0.0], smoothing=0.1, ratio=1.0, weighting="example", gamma=0.0, anchor=anchor)[0]
        for convention, anchor in (("uniform", 0.5), ("prior", 0.018))
    }
    assert 1 / (1 + np.exp(-towards["uniform"])) == pytest.approx(0.05, rel=1e-3)
    assert 1 / (1 + np.exp(-towards["prior"])) == pytest.approx(0.1 * 0.018, rel=1e-3)


@pytest.mark.parametrize("ratio", [7.4, 54.6])
@pytest.mark.parametrize("eta", [0.05, 0.30])
@pytest.mark.parametrize(("weighting", "smoothing"), [("example", 0.0), ("example", 0.1), ("column", 0.1)])
def test_soft_labels_and_mixed_ones_come_back_as_the_share_of_fraud_they_stand_for(ratio, eta, weighting, smoothing):
    labels = (np.arange(2_000) < 2_000 * eta).astype(np.float32)
    rng = np.random.default_rng(0)
    share, partner = rng.beta(0.2, 0.2, 2_000), rng.permutation(2_000)
    mixed = share * labels + (1 - share) * labels[partner]
    loss = LossSettings(smoothing, ratio, weighting)
    for targets in (labels, np.full(2_000, eta), mixed):
        found = posterior(np.array([optimum_of(targets, loss)]), loss, floor=1e-4).probability[0]
        assert found == pytest.approx(targets.mean(), abs=1e-4)


def optimum_of(targets, loss):
    """The one margin that minimises the mean loss of these targets: Σ c₁ / Σ c₀ are its odds."""
    table = loss_table([loss], prevalence=0.02, device=CPU)
    coefficient_K = target_coefficients(target_probabilities(torch.tensor(targets).float()), table)[0].double().sum(0)
    return float(torch.log(coefficient_K[1] / coefficient_K[0]))


@pytest.mark.parametrize("each", SETTINGS, ids=str)
def test_the_coefficients_of_labels_are_those_of_the_weighted_smoothed_target_to_the_bit(each):
    target_BK = torch.eye(2)
    weight_K, epsilon = torch.tensor(each.weights(0.1)), torch.tensor(each.epsilon)
    smoothed_BK = (1 - epsilon) * target_BK + epsilon / 2
    expected = smoothed_BK * (weight_K[:, None] if each.weighting == "example" else weight_K[None, :])
    found = target_coefficients(target_BK, loss_table([each], prevalence=0.1, device=CPU))[0]
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_the_floor_of_the_tails_follows_the_fraud_rate_down_and_not_up():
    assert tail_floor(1e-3, prevalence=0.3) == 1e-3
    assert tail_floor(1e-3, prevalence=0.0017) == pytest.approx(3.4e-5)


@pytest.mark.parametrize("prevalence", [0.018, 0.008, 0.0017])
def test_a_perfect_head_keeps_its_level_however_rare_fraud_is(prevalence):
    # most rows far below the floor, as in any table of transactions: what they promise must not swamp the level
    eta = np.concatenate([np.full(95_000, prevalence / 1_000), np.full(5_000, 20 * prevalence * (1 - 1e-3))])
    margin = np.array([evidence_at(np.log(p / (1 - p)), LossSettings(0.05)) for p in np.unique(eta)])
    found = posterior(margin, LossSettings(0.05), floor=tail_floor(1e-3, prevalence=prevalence)).probability
    promised = found[np.searchsorted(np.unique(eta), eta)].sum()
    assert eta.sum() / promised == pytest.approx(1, abs=0.03)


def test_a_legitimate_row_stands_above_one_half_in_the_balanced_column_form():
    # design table: 1.8 % fraud, r = 54.6, raw probability of a row with P(fraud) = 0
    raw = [
        1 / (1 + np.exp(-optimal_margins([0.0], smoothing=e, ratio=54.6, weighting="column", gamma=0)[0]))
        for e in (0.05, 0.1, 0.15, 0.2)
    ]
    np.testing.assert_allclose(raw, [0.583, 0.742, 0.816, 0.858], atol=1e-3)


loss_settings = st.builds(
    LossSettings,
    smoothing=st.sampled_from([0.0, 0.01, 0.05, 0.2, 0.6]),
    ratio=st.floats(0.1, 1000),
    weighting=st.sampled_from(["example", "column"]),
    gamma=st.sampled_from([0.0, 1.0, 2.0]),
) | st.builds(
    LossSettings,
    smoothing=st.sampled_from([0.0, 0.05, 0.6]),
    ratio=st.floats(0.1, 1000),
    weighting=st.sampled_from(["example", "column"]),
    convention=st.just("prior"),
    prior=st.sampled_from([0.001, 0.02, 0.5]),
)


@settings(max_examples=150, deadline=None)
@given(
    loss_settings,
    st.lists(st.floats(-60, 60), min_size=2, max_size=30, unique=True),
    st.sampled_from([1e-3, 1e-5, 0.1]),
)
def test_the_posterior_is_strictly_increasing_inside_the_unit_interval(each, margins, floor):
    margin = np.unique(np.round(margins, 5))
    found = posterior(margin, each, floor=floor)
    assert np.isfinite(found.log_odds).all()
    assert (np.diff(found.log_odds) > 0).all()
    assert (found.probability > 0).all()
    assert (found.probability < 1).all()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.01, 0.1, 0.2])
@pytest.mark.parametrize("weighting", ["example", "column"])
def test_log_odds_are_finite_and_strictly_increasing_however_sure_a_network_is(weighting, smoothing, gamma):
    margin = np.unique(np.concatenate([np.linspace(-2000, 2000, 4001), np.linspace(-50, 50, 5001)]))
    for class_weight, floor in itertools.product(("none", "sqrt", "balanced"), (1e-5, 1e-3, 0.1)):
        each = LossSettings(smoothing, class_ratio(class_weight, 0.018), weighting, gamma=gamma)
        log_odds = posterior(margin, each, floor=floor).log_odds
        assert np.isfinite(log_odds).all()
        assert (np.diff(log_odds) > 0).all()


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_far_out_a_focal_margin_stands_for_one_plus_gamma_times_itself(gamma):
    # t / (1 − t) = ℓ′(1 − q) / ℓ′(q) with q = σ(z): for large z it is e^z over e^(−γz)·(1 + γ)
    margin = np.array([40.0, 700.0, 720.0, 1000.0, 2000.0])
    expected = (1 + gamma) * margin - np.log1p(gamma)
    np.testing.assert_allclose(focal_log_odds(margin, gamma), expected, rtol=1e-12)
    np.testing.assert_allclose(focal_log_odds(-margin, gamma), -expected, rtol=1e-12)


def test_rows_that_the_bare_inverse_would_clip_are_counted_and_keep_their_order():
    margin = np.array([-9.0, -5.0, -2.5, 0.0, 2.5, 9.0])
    found = posterior(margin, LossSettings(smoothing=0.1))
    assert found.tail.tolist() == [-1, -1, 0, 0, 0, 1]
    assert found.tail_share == pytest.approx(3 / 6)
    assert (np.diff(found.probability) > 0).all()
    assert posterior(margin, LossSettings()).tail_share == 0


def test_without_smoothing_the_posterior_is_the_plain_sigmoid_shifted_by_the_weight():
    margin = np.linspace(-25, 25, 11)
    np.testing.assert_allclose(posterior(margin, LossSettings(ratio=4.0)).log_odds, margin - np.log(4), atol=1e-9)


@pytest.mark.parametrize(
    ("floor", "margin", "message"), [(0.5, 0.0, "posterior_floor"), (1e-3, np.nan, "must be finite")]
)
def test_the_posterior_refuses_a_floor_or_a_margin_that_makes_no_sense(floor, margin, message):
    with pytest.raises(ValueError, match=message):
        posterior(np.array([margin]), LossSettings(), floor=floor)


@pytest.mark.parametrize("each", SETTINGS, ids=str)
def test_the_forward_map_and_the_posterior_undo_one_another(each):
    log_odds = np.linspace(-6, 6, 25)
    evidence = np.array([evidence_at(value, each) for value in log_odds])
    np.testing.assert_allclose(posterior(evidence, each, floor=1e-3).log_odds, log_odds, atol=1e-9)
