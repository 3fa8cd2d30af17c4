"""Weights to go on from: a fitted network carried over to inputs whose knots, scales and codes have moved.

A retrain of tomorrow cuts the same columns at slightly other quantiles and counts categories in another order. What a
network says of a row should not change with that, so its weights are rewritten for the new inputs instead of being
thrown away or read under the wrong names.

Legend: M numeric input, E embedding, D lookup width, R lookup row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError
from models.losses import LossSettings
from models.network import Architecture, State, constant_arrays, folded_codes
from models.rows import Float64s

CodePairs = tuple[NDArray[np.integer], NDArray[np.integer]]
"""For each value that a column's vocabulary knows now: its code now, and its code then (0 if it was unknown)."""


@dataclass(frozen=True)
class WarmStart:
    """Networks to go on from, each with the loss it minimised."""

    networks: tuple[tuple[State, LossSettings], ...]

    def of(self, loss: LossSettings) -> State:
        """The network of the closest smoothing, its margin moved by what the class weights differ.

        The optimum moves by ln r exactly without smoothing; what ε does to a margin is left to the fit.
        """
        state, own = min(self.networks, key=lambda each: abs(each[1].epsilon - loss.epsilon))
        half = np.float32(np.log(loss.ratio / own.ratio) / 2)
        return {**state, "output_bias": state["output_bias"] + np.array([-half, half], np.float32)}


def carried_weights(state: State, architecture: Architecture, *, codes: Sequence[CodePairs]) -> dict[str, np.ndarray]:
    """The weights with which a network of another architecture says what this one said.

    Exact for scaled values inside their limits, for missing values and for categories with a row of their own. A
    piecewise-linear function is read off at the new knots and is exact there. Categories that share a row now get the
    mean of the rows they had, and those that are new get the row of the unknown.

    Args:
        state: the fitted network, constants included.
        architecture: of the network to come.
        codes: the codes now and then, one pair a categorical column.

    Raises:
        InputError: the two differ in more than knots, scales and vocabularies.
    """
    found = differences(state, architecture)
    if found:
        raise InputError(f"weights can be carried over to the same network only, but {'; '.join(found)}")
    tables = {
        f"lookup_{index}": _carried_lookup(
            state, index, pairs, size=architecture.cardinalities[index], rows=architecture.lookup_rows[index]
        )
        for index, pairs in enumerate(codes)
    }
    weight_ME, bias_E = _carried_projection(state, architecture)
    kept = ("hidden_weight", "hidden_bias", "output_weight", "output_bias", "projection_lookup")
    return {
        "projection_weight": weight_ME.astype(np.float32),
        "projection_bias": bias_E.astype(np.float32),
        **{name: np.array(state[name]) for name in kept if name in state},
        **tables,
    }


def recoded_network(state: State, *, codes: Sequence[CodePairs], sizes: Sequence[int]) -> dict[str, np.ndarray]:
    """The same network for rows whose categories are coded by other vocabularies; its knots and scales stay.

    What it says of a row does not change, but for values that one of the two vocabularies does not know.

    Args:
        state: the fitted network, constants included.
        codes: the codes now and then, one pair a categorical column.
        sizes: number of codes now, the unknown one included, one a categorical column.
    """
    heights = [max(int(size), 2) for size in sizes]
    tables = {
        f"lookup_{index}": _carried_lookup(state, index, pairs, size=height, rows=height)
        for index, (pairs, height) in enumerate(zip(codes, heights, strict=True))
    }
    return {**state, **tables, "cardinality": np.array(heights, np.int64)}


def differences(state: State, architecture: Architecture) -> list[str]:
    """What keeps a network's weights from being carried over to an architecture, in words; nothing where they can."""
    constants = constant_arrays(architecture)
    widths = [state[f"lookup_{index}"].shape[1] for index in range(sum(name.startswith("lookup_") for name in state))]
    numeric = len(state["projection_weight"]) - len(state["bin_column"]) - len(state["center"])
    compared: tuple[tuple[str, object, object], ...] = (
        ("number of numeric columns", numeric, len(architecture.knots)),
        ("use of bins", len(state["bin_column"]) > 0, len(constants["bin_column"]) > 0),
        ("use of scaled values", len(state["center"]) > 0, len(constants["center"]) > 0),
        ("width of the embedding", state["projection_weight"].shape[1], architecture.embedding),
        ("width of the hidden layer", state["hidden_weight"].shape[1], architecture.hidden),
        ("widths of the lookups", widths, list(architecture.lookup_widths)),
    )
    return [f"the {name} was {before} and is {now}" for name, before, now in compared if before != now]


def _carried_projection(state: State, architecture: Architecture) -> tuple[Float64s, Float64s]:
    """Weights and bias of the projection; what a column's present values shift, its missing indicator takes back."""
    constants = constant_arrays(architecture)
    old_ME = state["projection_weight"].astype(np.float64)
    old_bins, bins, scaled = len(state["bin_column"]), len(constants["bin_column"]), len(constants["center"])
    weight_ME = np.zeros((bins + scaled + len(architecture.knots), old_ME.shape[1]))
    shift_FE = np.zeros((len(architecture.knots), old_ME.shape[1]))
    for column, knots in enumerate(architecture.knots):
        own = np.flatnonzero(state["bin_column"] == column)
        if len(own) and len(knots):
            lower, inverse = (state[name][own].astype(np.float64) for name in ("bin_lower", "bin_inverse"))
            value_KE = np.clip((np.array(knots)[:, None] - lower) * inverse, 0, 1) @ old_ME[own]
            weight_ME[np.flatnonzero(constants["bin_column"] == column)] = np.diff(value_KE, axis=0)
            shift_FE[column] = value_KE[0]
    if scaled:
        old_inverse, inverse = (each["inverse_scale"].astype(np.float64) for each in (state, constants))
        moved = (constants["center"].astype(np.float64) - state["center"]) * old_inverse
        old_FE = old_ME[old_bins : old_bins + scaled]
        weight_ME[bins : bins + scaled] = old_FE * (old_inverse / inverse)[:, None]
        shift_FE += old_FE * moved[:, None]
    weight_ME[bins + scaled :] = old_ME[old_bins + scaled :] - shift_FE
    return weight_ME, state["projection_bias"].astype(np.float64) + shift_FE.sum(0)


def _carried_lookup(state: State, index: int, pairs: CodePairs, *, size: int, rows: int) -> np.ndarray:
    old_RD, sizes = state[f"lookup_{index}"], state["cardinality"]
    now, then = pairs
    row = folded_codes(now[:, None], [size], [rows])[:, 0]
    old_row = folded_codes(then[:, None], [int(sizes[index])], [len(old_RD)])[:, 0]
    total_RD = np.zeros((rows, old_RD.shape[1]))
    np.add.at(total_RD, row, old_RD[old_row].astype(np.float64))
    count_R = np.bincount(row, minlength=rows)
    unknown_D = old_RD[0].astype(np.float64)
    carried = np.where(count_R[:, None] > 0, total_RD / np.maximum(count_R, 1)[:, None], unknown_D)
    carried[0] = unknown_D
    return carried.astype(np.float32)
