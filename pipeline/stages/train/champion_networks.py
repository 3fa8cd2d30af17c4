"""The champion's networks as a place to begin: carried over to this run's inputs, where that is sound.

Sound means two things. The architecture must be the same but for knots, scales and vocabularies. And the champion must
not have seen what this run judges by: the rows it learned from end before this run's valid begins, and those that chose
its best epoch end before this run's calib. Scheduled runs with the same folds move forward together, so both hold; for
a run as of an earlier moment they do not, and it begins with fresh weights. Where a refit is in use, its judged twin is
what they go on from: the refit has seen the rows that this run judges by.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load

from features.encode import Encoder
from features.times import time_microseconds, time_text
from features.vocabulary import code_pairs
from models.losses import LossSettings
from models.network import Architecture, State, constant_arrays
from models.training.warm_start import WarmStart, carried_weights, differences
from pipeline.bundle.manifest import CheckedBundle, checked_bundle
from pipeline.bundle.twin import TWIN, twin_of

NETWORKS = ("mlp", "mlp_unsmoothed")


@dataclass(frozen=True)
class Start:
    """Where the networks of a recheck begin.

    Attributes:
        networks: the champion's, carried over; None for fresh weights.
        note: the same in words, with the reason.
    """

    networks: WarmStart | None
    note: str


def champion_networks(
    run: Path, *, encoder: Encoder, architecture: Architecture, fold_starts: Mapping[str, int]
) -> Start:
    """What the champion in a run folder has to begin with.

    Args:
        run: the run folder; its champion's bundle is checked again.
        encoder: this run's.
        architecture: of this run's networks.
        fold_starts: where each of this run's folds begins, microseconds since 1970.

    Raises:
        InputError: the bundle is not what its manifest says.
    """
    bundle = checked_bundle(run / "champion" / "bundle")
    try:
        return Start(_carried(bundle, encoder, architecture, fold_starts), "it went on from the champion's networks")
    except _UnfitError as reason:
        return Start(None, f"it began with fresh weights: {reason}")


class _UnfitError(Exception):
    """Why a champion's networks are no place to begin."""


def _carried(
    bundle: CheckedBundle, encoder: Encoder, architecture: Architecture, fold_starts: Mapping[str, int]
) -> WarmStart:
    _check_folds(bundle.manifest.get("folds"), fold_starts)
    place = f"{TWIN}/" if twin_of(bundle.manifest) is not None else ""
    before = Encoder.from_dict(bundle.read_json(f"{place}encoder.json"))
    if (before.numeric, before.categorical) != (encoder.numeric, encoder.categorical):
        changed = {*before.numeric, *before.categorical} ^ {*encoder.numeric, *encoder.categorical}
        raise _UnfitError(f"the columns changed ({', '.join(sorted(changed)) or 'their order'})")
    codes = [code_pairs(now, then) for now, then in zip(encoder.vocabularies, before.vocabularies, strict=True)]
    described = bundle.read_json(f"{place}calibrator.json")
    tensors = load(bundle.read(f"{place}network.safetensors"))
    networks = []
    for name in NETWORKS:
        state = _state(tensors, described["tensors"][name])
        changed_parts = differences(state, architecture)
        if changed_parts:
            raise _UnfitError("; ".join(changed_parts))
        weights = carried_weights(state, architecture, codes=codes)
        loss = LossSettings.from_dict(described["losses"][name])
        networks.append((constant_arrays(architecture) | weights, loss))
    return WarmStart(tuple(networks))


def _check_folds(then: Mapping[str, Mapping[str, str]] | None, starts: Mapping[str, int]) -> None:
    if then is None:
        raise _UnfitError("the champion does not say which rows it learned from")
    for fold, judge in (("train", "valid"), ("valid", "calib")):
        last, first = then[fold]["to"], starts[judge]
        if time_microseconds(last) > first:
            raise _UnfitError(
                f"the champion's {fold} fold ends at {last}, after this run's {judge} begins ({time_text(first)})"
            )


def _state(tensors: Mapping[str, np.ndarray], owner: str) -> State:
    return {name.removeprefix(f"{owner}."): array for name, array in tensors.items() if name.startswith(f"{owner}.")}
