"""Which settings of a sweep need no further epoch, because intervals on valid say that they cannot win any more.

The sweep selects the simplest setting that is not proven worse than the smallest mean. So a setting is of no more use
while it is still in training where it is proven worse than the leader; or where it does not even lead the simplest
setting, since only proof of a lead could make it win. What steps at a high learning rate do to a network no interval
over days knows of. So the last looks count as repeats: how far differences move from look to look is part of their
error, and a setting must be behind at each of them (racing: Maron & Moore, 1994).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluation.paired_losses import RowLosses
from evaluation.selection import Setting, SettingOutcome, setting_losses, simplicity
from evaluation.statistics.sample import Floats

LOOKS = 3
"""Looks in a row that count together, and that nobody stops before."""


@dataclass(frozen=True)
class Look:
    """What one look at a race found.

    Attributes:
        losses: of the last looks, this one included, log losses [R, N] of every setting still in the race.
        out: the settings that stop.
    """

    losses: tuple[Mapping[Setting, Floats], ...] = ()
    out: frozenset[Setting] = frozenset()


def race_look(
    labels: ArrayLike,
    outcomes: Sequence[SettingOutcome],
    *,
    before: Look,
    rivals: int,
    event_time: ArrayLike,
    merchant: ArrayLike | None = None,
    folds: int = 5,
) -> Look:
    """A look at the settings that are still in the race; the first `LOOKS` − 1 stop nobody.

    Never out are the simplest setting, which every other one must be proven against; the best with ε > 0, which
    comparisons and shadow rows carry; and ε = 0 of a class weight of which some ε > 0 goes on, its twin. Settings that
    are only shown cannot win from the start, and are out at the first.

    Args:
        labels: 0 or 1 on valid [N].
        outcomes: of every setting and repeat still in the race, margins of its best weights so far [N].
        before: the look before this one.
        rivals: settings that were begun beside the one that leads: each has its share of the false alarms.
        event_time: microseconds since the epoch [N].
        merchant: merchant codes, < 0 for none [N].
        folds: blocks of time for the affine maps.

    Raises:
        InputError: arrays of different length.
    """
    running = [outcome for outcome in outcomes if outcome.selectable]
    shown = {outcome.setting for outcome in outcomes if not outcome.selectable}
    if not running:
        return Look()
    found = setting_losses(labels, running, event_time=event_time, merchant=merchant, folds=folds)
    looks = (*before.losses, found.by_setting)[-LOOKS:]
    if len(looks) < LOOKS:
        return Look(looks, frozenset(shown))
    together = {each: np.concatenate([look[each] for look in looks]) for each in found.by_setting}
    losses = RowLosses(together, found.clusters, rivals=rivals)
    settings = sorted(together, key=simplicity)
    leader, simplest = min(settings, key=losses.mean), settings[0]
    smoothed = min((each for each in settings if each.smoothing > 0), key=losses.mean, default=simplest)
    out = {each for each in settings if _hopeless(losses, each, simplest=simplest, leader=leader)}
    out -= {simplest, smoothed}
    going_on = [each for each in settings if each not in out]
    return Look(looks, frozenset((out - _twins(going_on)) | shown))


def _hopeless(losses: RowLosses[Setting], setting: Setting, *, simplest: Setting, leader: Setting) -> bool:
    if losses.difference(setting, leader).proven:
        return True
    behind = losses.difference(setting, simplest)
    return behind.agreeing == behind.repeats


def _twins(going_on: Sequence[Setting]) -> set[Setting]:
    """The ε = 0 settings of everything smoothed that goes on."""
    return {Setting(0.0, each.class_weight, each.weighting) for each in going_on if each.smoothing > 0}
