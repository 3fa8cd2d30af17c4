from dataclasses import replace

import numpy as np
import pytest
import torch

from models.losses import LossSettings, loss_table, posterior, smoothed_cross_entropy, target_probabilities
from models.network import initial_arrays, margins, network_architecture
from models.options import TrainConfig
from models.rows import RowArrays, taken_rows
from models.task import FixedLength, Task
from models.training.loop import configured_architecture, fit_networks, one_cycle, torch_threads
from tests.fixtures.made_rows import CARDINALITIES, made_rows, made_scaling
from tests.oracles import plain_network

TRAIN, VALID = made_rows(600, seed=1), made_rows(300, seed=2)
RATE = float(TRAIN.label.mean())
SETTINGS = [
    LossSettings(),
    LossSettings(smoothing=0.2, ratio=5.0),
    LossSettings(smoothing=0.1, ratio=5.0, weighting="column"),
    LossSettings(gamma=2.0),
]
ARCHITECTURE = network_architecture(made_scaling(TRAIN), cardinalities=CARDINALITIES)


def config(**keywords):
    plain = {"epochs": 2, "batch_size": 128, "threads": 1, "device": "cpu", "patience": 9}
    return TrainConfig(**(plain | keywords))


def fits(train=TRAIN, settings=SETTINGS, repeats=None, architecture=ARCHITECTURE, seed_of=None, **keywords):
    options = {name: keywords.pop(name) for name in ("soft_labels", "start", "progress") if name in keywords}
    return fit_networks(
        Task(train, VALID, architecture, RATE),
        settings=settings,
        repeats=repeats or [0] * len(settings),
        config=config(**keywords),
        **options,
    )


def test_each_setting_of_the_axis_is_a_plain_torch_network_trained_alone():
    made = config(dropout=0, unknown_share=0)
    batches, rates = plain_schedule(made, len(TRAIN.label))
    inputs = torch.from_numpy(plain_network.numeric_inputs(TRAIN.numeric, ARCHITECTURE))
    codes, labels = torch.from_numpy(TRAIN.categorical.astype(np.int64)), torch.from_numpy(TRAIN.label)
    valid_inputs = (
        torch.from_numpy(plain_network.numeric_inputs(VALID.numeric, ARCHITECTURE)),
        torch.from_numpy(VALID.categorical.astype(np.int64)),
    )
    for each, fit in zip(SETTINGS, fits(dropout=0, unknown_share=0), strict=True):
        start = initial_arrays(ARCHITECTURE, rng=np.random.default_rng([made.seed, 0]))
        plain = plain_network.trained(
            plain_network.PlainNetwork(start),
            inputs,
            codes,
            labels,
            row_losses=plain_losses(each),
            batches=batches,
            learning_rates=rates,
            weight_decay=made.weight_decay,
            clip=made.clip,
            batch_size=made.batch_size,
        )
        assert fit.best_epoch == 2
        # Adam turns the last bit of a gradient near zero into a step: a few weights differ, the function does not
        logits = plain(*valid_inputs).detach().numpy()
        np.testing.assert_allclose(fit.valid_margins, logits[:, 1] - logits[:, 0], atol=3e-3)
        moved = np.abs(fit.state["lookup_1"] - plain.lookups[1].weight.detach().numpy())
        assert np.median(moved) < 1e-4


def plain_schedule(made, size):
    shuffler = np.random.default_rng(made.seed)
    batches = [
        part for _ in range(made.epochs) for part in torch.from_numpy(shuffler.permutation(size)).split(made.batch_size)
    ]
    return batches, [made.learning_rate * one_cycle(step / len(batches)) for step in range(len(batches))]


def plain_losses(each):
    if each.gamma == 0 and each.weighting == "column":
        weight = torch.tensor(each.weights(RATE), dtype=torch.float32)
        loss = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=each.epsilon, reduction="none")
        return lambda logits, labels: loss(logits, labels.long())
    table = loss_table([each], prevalence=RATE, device=torch.device("cpu"))
    return lambda logits, labels: smoothed_cross_entropy(
        logits[None], target_probabilities(labels), table, denominator=1.0
    )


@pytest.mark.parametrize("extra", [{"dropout": 0.3}, {"mixup": 0.4}, {"clip": 0.05}])
def test_a_sweep_is_its_settings_one_by_one_with_everything_random_shared(extra):
    together = fits(**extra)
    for each, fit in zip(SETTINGS, together, strict=True):
        (alone,) = fits(settings=[each], **extra)
        np.testing.assert_allclose(alone.valid_margins, fit.valid_margins, atol=2e-4)
        np.testing.assert_allclose(alone.valid_log_loss, fit.valid_log_loss, atol=1e-5)
        assert alone.best_epoch == fit.best_epoch


def test_the_seed_fixes_the_bits():
    first, again, other = fits(), fits(), fits(seed=8)
    for one, two, three in zip(first, again, other, strict=True):
        for name, array in one.state.items():
            np.testing.assert_array_equal(array, two.state[name])
        assert not np.array_equal(one.valid_margins, three.valid_margins)


def test_threads_take_whole_settings_and_change_no_bit():
    alone, shared, uneven = fits(threads=1), fits(threads=2), fits(threads=3)
    for one, two, three in zip(alone, shared, uneven, strict=True):
        for name, array in one.state.items():
            np.testing.assert_array_equal(array, two.state[name])
            np.testing.assert_array_equal(array, three.state[name])


def test_repeats_differ_and_settings_of_one_repeat_begin_alike():
    kept = fits(settings=[LossSettings()] * 3, repeats=[0, 0, 1])
    np.testing.assert_array_equal(kept[0].valid_margins, kept[1].valid_margins)
    assert not np.allclose(kept[0].valid_margins, kept[2].valid_margins)


def test_a_row_weight_of_two_is_the_row_twice():
    extra = np.arange(0, 600, 3)
    weight = TRAIN.weight.copy()
    weight[extra] = 2
    weighted = RowArrays(TRAIN.numeric, TRAIN.categorical, TRAIN.label, weight, TRAIN.time)
    repeated = taken_rows(TRAIN, np.concatenate([np.arange(600), extra]))
    # one full batch a step, so that both see the same rows at each step
    one, two = (fits(train=rows, batch_size=800, dropout=0, unknown_share=0, epochs=5) for rows in (weighted, repeated))
    for first, second in zip(one, two, strict=True):
        np.testing.assert_allclose(first.valid_margins, second.valid_margins, atol=1e-4)


def test_soft_labels_of_zero_and_one_are_the_labels():
    for hard, soft in zip(fits(), fits(soft_labels=TRAIN.label.astype(np.float64)), strict=True):
        np.testing.assert_array_equal(hard.valid_margins, soft.valid_margins)


def test_each_setting_stops_for_itself_and_keeps_its_best_weights():
    seen = []
    kept = fits(epochs=30, learning_rate=0.03, patience=2, progress=seen.append)
    assert len({len(fit.valid_log_loss) for fit in kept}) > 1
    assert [report.running for report in seen] == sorted((report.running for report in seen), reverse=True)
    for fit in kept:
        assert fit.best_epoch == 1 + int(np.argmin(fit.valid_log_loss))
        assert len(fit.valid_log_loss) <= fit.best_epoch + 2
        np.testing.assert_allclose(margins(fit.state, VALID), fit.valid_margins, atol=1e-5)


def test_no_bit_of_weights_or_curves_depends_on_the_settings_beside():
    settings = [LossSettings(smoothing=lane / 50) for lane in range(13)]
    together = fits(settings=settings, batch_size=16, epochs=1, threads=2)
    for lane in (1, 6, 12):
        (alone,) = fits(settings=[settings[lane]], batch_size=16, epochs=1)
        curves = [(fit.train_loss, fit.valid_log_loss) for fit in (together[lane], alone)]
        assert curves[0] == curves[1]
        for name, array in alone.state.items():
            np.testing.assert_array_equal(together[lane].state[name], array, err_msg=name)


def test_a_setting_that_progress_stops_has_the_epochs_until_then_and_leaves_the_others_as_they_are():
    def after_two(report):
        return np.arange(len(SETTINGS)) == 1 if report.epoch == 2 else None

    whole, raced = fits(epochs=4), fits(epochs=4, progress=after_two)
    assert [fit.ruled_out for fit in raced] == [None, 2, None, None]
    assert raced[1].valid_log_loss == whole[1].valid_log_loss[:2]
    for place in (0, 2, 3):
        np.testing.assert_array_equal(raced[place].valid_margins, whole[place].valid_margins)


def test_progress_sees_the_margins_of_the_best_weights_so_far():
    seen = []
    kept = fits(epochs=3, progress=lambda report: seen.append(report.valid_margins.copy()))
    for fit, margins_of in zip(kept, seen[-1], strict=True):
        np.testing.assert_array_equal(fit.valid_margins, margins_of)


def test_training_accuracy_is_that_of_the_kept_weights():
    for fit in fits():
        assert fit.train_accuracy == pytest.approx(((margins(fit.state, TRAIN) > 0) == TRAIN.label).mean(), abs=2e-3)


def test_a_network_goes_on_from_the_weights_it_is_given():
    start = fits(settings=[LossSettings()])[0].state
    (tuned,) = fits(settings=[LossSettings()], start=[start], epochs=1, learning_rate=1e-9)
    for name, array in start.items():
        np.testing.assert_allclose(tuned.state[name], array, atol=1e-6)


def test_the_inputs_are_not_changed():
    before = (TRAIN.numeric.copy(), TRAIN.label.copy())
    fits(epochs=1)
    np.testing.assert_array_equal(TRAIN.numeric, before[0])
    np.testing.assert_array_equal(TRAIN.label, before[1])


def test_bfloat16_ends_near_float32():
    for full, half in zip(fits(), fits(precision="bfloat16"), strict=True):
        assert half.valid_log_loss[-1] == pytest.approx(full.valid_log_loss[-1], rel=0.05)


def test_threads_are_restored():
    before = torch.get_num_threads()
    with torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_large_vocabularies_get_as_many_rows_as_the_fold_can_teach():
    few, many = (
        configured_architecture(made_scaling(TRAIN), cardinalities=(7, 300, 10_000), rows=rows, config=config())
        for rows in (60_000, 2_000_000)
    )
    assert few.lookup_rows == (7, 16, 16)
    assert many.lookup_rows == (7, 300, 16)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this torch sees a GPU")
def test_cuda_where_there_is_none_is_refused():
    with pytest.raises(ValueError, match="torch sees no GPU"):
        fits(device="cuda")


def test_soft_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"one value a training row \(600\), got 3"):
        fits(soft_labels=np.zeros(3))


def test_a_fixed_length_keeps_each_settings_weights_after_its_epoch_on_the_whole_schedule():
    whole = Task(TRAIN, VALID, ARCHITECTURE, RATE, FixedLength((3, 3), 0))
    long, short = (
        fit_networks(
            replace(whole, length=FixedLength(epochs, 0)),
            settings=SETTINGS[:2],
            repeats=[0, 0],
            config=config(epochs=5),
        )
        for epochs in ((3, 3), (1, 3))
    )
    assert [fit.best_epoch for fit in short] == [1, 3]
    assert [[len(fit.train_loss) for fit in fits_of] for fits_of in (long, short)] == [[3, 3], [1, 3]]
    np.testing.assert_array_equal(short[1].state["output_weight"], long[1].state["output_weight"])
    assert not np.array_equal(short[0].state["output_weight"], long[0].state["output_weight"])


def test_a_fixed_length_says_nothing_of_valid():
    blank = RowArrays(VALID.numeric, VALID.categorical, np.zeros_like(VALID.label), VALID.weight, VALID.time)
    one, two = (
        fit_networks(
            Task(TRAIN, valid, ARCHITECTURE, RATE, FixedLength((2,), 0)),
            settings=SETTINGS[:1],
            repeats=[0],
            config=config(epochs=4),
        )[0]
        for valid in (VALID, blank)
    )
    np.testing.assert_array_equal(one.state["hidden_weight"], two.state["hidden_weight"])


def test_a_fixed_length_has_an_epoch_for_every_setting():
    with pytest.raises(ValueError, match="one number of epochs a setting is needed, got 1 for 2"):
        fit_networks(
            Task(TRAIN, VALID, ARCHITECTURE, RATE, FixedLength((1,), 0)),
            settings=SETTINGS[:2],
            repeats=[0, 0],
            config=config(),
        )


def test_networks_that_saw_a_share_of_the_legitimate_rows_speak_of_all():
    train, valid = made_rows(6_000, seed=1), made_rows(4_000, seed=2)
    rate = float(train.label.mean())
    settings = [LossSettings(kept=0.3), LossSettings(0.1, 3.0, kept=0.3)]
    found = fit_networks(
        Task(train, valid, ARCHITECTURE, rate),
        settings=settings,
        repeats=[0, 0],
        config=config(legitimate_share=0.3, epochs=6),
    )
    for each, fit in zip(settings, found, strict=True):
        probability = posterior(fit.valid_margins, each).probability
        assert valid.label.sum() / probability.sum() == pytest.approx(1, abs=0.12)


def test_a_loss_of_another_share_than_epochs_draw_is_refused():
    with pytest.raises(ValueError, match=r"must keep 1.0 of the legitimate rows, got \[0.3\]"):
        fits(settings=[LossSettings(kept=0.3)])
