"""Deliberate leaks, one function each: every one is a mistake that a published pipeline or tutorial makes."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from features import encode, scaling, split, vocabulary
from features.windows import aggregates, bounds, kernels
from features.windows import source_arrays as source
from features.windows import window_table as windows
from features.windows.chunk import Chunk, Window

LEAKS = {}


def leak(plant):
    LEAKS[plant.__name__] = plant
    return plant


def group_ends(starts, like):
    return np.repeat(starts[1:], np.diff(starts)).astype(like.dtype)


@leak
def the_current_row_is_in_its_window(patch):
    bounds = Chunk.bounds
    patch.setattr(Chunk, "bounds", lambda chunk, window: bounds(chunk, Window(window.width, closed_right=True)))


@leak
def ties_see_one_another_in_file_order(patch):
    bounds = Chunk.bounds
    patch.setattr(
        Chunk, "bounds", lambda chunk, window: (bounds(chunk, window)[0], np.arange(len(chunk.time), dtype=np.int32))
    )


def bounds_by(patch, leaky):
    """Let a leaky search place both ends of every window."""
    patch.setattr(bounds, "first_moments", leaky)
    patch.setattr(
        bounds, "tied_rows", lambda time, starts, after, places: leaky(time, starts, time, starts, 0, after, places)
    )


@leak
def windows_are_calendar_days(patch):
    day = 7_000_000
    first_moments = bounds.first_moments
    bounds_by(
        patch,
        lambda time, starts, moments, *given: first_moments(time - time % day, starts, moments - moments % day, *given),
    )


@leak
def windows_include_the_whole_calendar_day(patch):
    day = 7_000_000
    first_moments = bounds.first_moments
    bounds_by(
        patch, lambda time, starts, moments, *given: first_moments(time - time % day + day, starts, moments, *given)
    )


@leak
def windows_reach_to_the_end_of_the_data(patch):
    bounds = Chunk.bounds

    def leaky(chunk, window):
        left, right = bounds(chunk, window)
        return left, group_ends(chunk.starts, right)

    patch.setattr(Chunk, "bounds", leaky)


@leak
def the_mean_is_taken_over_all_history(patch):
    def leaky(chunk, window):
        ends = group_ends(chunk.starts, chunk.starts)
        sums = np.concatenate([[0], np.cumsum(chunk.amount)])
        firsts = np.repeat(chunk.starts[:-1], np.diff(chunk.starts))
        return (sums[ends] - sums[firsts]) / (ends - firsts)

    patch.setattr(Chunk, "means", leaky)


@leak
def a_missing_mean_is_filled_from_the_next_row(patch):
    means = Chunk.means

    def leaky(chunk, window):
        values = means(chunk, window)
        filled = values.copy()
        filled[:-1] = np.where(np.isnan(values[:-1]), values[1:], values[:-1])
        return filled

    patch.setattr(Chunk, "means", leaky)


@leak
def the_zscore_counts_its_own_amount(patch):
    zscore = aggregates.AGGREGATES["amount_zscore"]
    leaky = replace(zscore, values=lambda chunk, window: zscore.values(chunk, Window(window.width, closed_right=True)))
    patch.setitem(aggregates.AGGREGATES, "amount_zscore", leaky)


@leak
def the_largest_amount_is_that_of_all_time(patch):
    extremes = kernels.window_extremes

    def leaky(amount, starts, left, right, *given):
        extremes(amount, starts, left, group_ends(starts, right), *given)

    patch.setattr(kernels, "window_extremes", leaky)


@leak
def distinct_merchants_include_future_ones(patch):
    distinct = kernels.window_distinct

    def leaky(other, previous, following, starts, left, right, out):
        distinct(other, previous, following, starts, left, group_ends(starts, right), out)

    patch.setattr(kernels, "window_distinct", leaky)


@leak
def the_next_transaction_stands_for_the_last(patch):
    def leaky(time, starts, seconds):
        seconds[:] = np.nan
        seconds[:-1] = np.diff(time) / 1e6
        seconds[starts[1:] - 1] = np.nan

    patch.setattr(kernels, "seconds_since_last", leaky)


@leak
def a_tie_is_the_last_transaction(patch):
    def leaky(time, starts, seconds):
        seconds[:] = np.nan
        seconds[1:] = np.diff(time) / 1e6
        seconds[starts[:-1]] = np.nan

    patch.setattr(kernels, "seconds_since_last", leaky)


@leak
def a_pair_is_new_when_it_never_comes_back(patch):
    def leaky(time, starts, flags):
        flags[:] = np.repeat(np.diff(starts) == 1, np.diff(starts))

    patch.setattr(kernels, "first_seen", leaky)


@leak
def labels_are_known_at_once(patch):
    patch.setattr(source.Source, "label_available", property(lambda self: self.time))


@leak
def a_label_counts_at_the_moment_it_becomes_available(patch):
    events_before = Chunk._events_before

    def leaky(chunk, shift):
        return events_before(replace(chunk, time=chunk.time + 1, kept={}), shift)

    patch.setattr(Chunk, "_events_before", leaky)


@leak
def the_fraud_rate_is_a_target_encoding(patch):
    def leaky(chunk, window):
        known = chunk.label_keys != kernels.NO_EVENT
        frauds = np.add.reduceat(known & (chunk.label_keys % 2 == 1), chunk.starts[:-1], dtype=np.int32)
        return np.repeat(frauds, np.diff(chunk.starts))

    patch.setattr(Chunk, "frauds", leaky)


@leak
def the_label_is_left_in(patch):
    patch_features(patch, lambda table, made: made.append_column("is_fraud", table["label"].cast(pa.float32())))


@leak
def the_time_of_the_label_is_left_in(patch):
    def leaky(table, made):
        delay = (
            table["label_available_at"].cast(pa.int64()).to_numpy() - table["event_time"].cast(pa.int64()).to_numpy()
        )
        return made.append_column("label_delay", pa.array(delay.astype(np.float32)))

    patch_features(patch, leaky)


@leak
def amounts_are_standardised_over_all_rows(patch):
    def leaky(table, made):
        amount = made["amount"].to_numpy()
        place = made.column_names.index("amount")
        return made.set_column(place, "amount", pa.array(amount - np.float32(amount.mean())))

    patch_features(patch, leaky)


@leak
def rows_are_believed_to_be_in_order(patch):
    patch.setattr(source.Source, "order", np.empty(0, np.int32))


@leak
def the_encoder_is_fitted_on_all_rows(patch):
    fit = encode.fit_encoder

    def leaky(table, **settings):
        everything = pa.array(["train"] * table.num_rows)
        return fit(table.set_column(table.column_names.index("fold"), "fold", everything), **settings)

    patch.setattr(encode, "fit_encoder", leaky)


@leak
def the_vocabulary_is_that_of_all_rows(patch):
    fit = encode.fit_encoder

    def leaky(table, *, numeric, categorical, settings):
        fitted = fit(table, numeric=numeric, categorical=categorical, settings=settings)
        whole = [vocabulary.fit_vocabulary(table[name], min_count=1, max_size=99, buckets=9) for name in categorical]
        return replace(fitted, vocabularies=tuple(whole))

    patch.setattr(encode, "fit_encoder", leaky)


@leak
def the_scaling_is_that_of_all_rows(patch):
    fit = encode.fit_encoder

    def leaky(table, *, numeric, categorical, settings):
        fitted = fit(table, numeric=numeric, categorical=categorical, settings=settings)
        return replace(fitted, scaling=scaling.fit_scaling([encode.numbers(table[n]) for n in numeric], knots=6))

    patch.setattr(encode, "fit_encoder", leaky)


@leak
def fits_use_labels_that_came_later(patch):
    patch_folds(patch, lambda folds, label: replace(folds, usable=(folds.code >= 0) & ~np.isnan(label)))


@leak
def rows_are_split_at_random(patch):
    def leaky(folds, label):
        return replace(folds, code=np.random.default_rng(0).permutation(folds.code))

    patch_folds(patch, leaky)


@leak
def labels_after_the_given_time_are_used(patch):
    fold = split.time_folds

    def leaky(time, label, available, *, as_of, delay, **given):
        if as_of is None:
            return fold(time, label, available, as_of=as_of, delay=delay, **given)
        seen = time <= as_of - delay
        part = fold(time[seen], label[seen], available[seen], as_of=None, delay=delay, **given)
        code, usable = np.full(len(time), -1, np.int8), np.zeros(len(time), bool)
        code[seen], usable[seen] = part.code, part.usable
        return replace(part, code=code, usable=usable)

    patch.setattr(split, "time_folds", leaky)


def patch_features(patch, leaky):
    made = windows.window_features
    patch.setattr(
        windows,
        "window_features",
        lambda table, *, spec, threads: leaky(table, made(table, spec=spec, threads=threads)),
    )


def patch_folds(patch, leaky):
    fold = split.time_folds
    patch.setattr(
        split, "time_folds", lambda time, label, available, **g: leaky(fold(time, label, available, **g), label)
    )
