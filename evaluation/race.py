"""Which settings of a sweep need no further epoch, because intervals on valid say that they cannot win any more.

The sweep selects the simplest setting that is not proven worse than the smallest mean. So a setting is of no more use
while it is still in training where it is proven worse than the leader; or where it does not even lead the simplest
setting, since only proof of a lead could make it win. One look is not enough: what a step at a high learning rate does
to a network no interval over days knows of. A setting must be without hope at two looks in a row (racing: Maron &
Moore, 1994).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from evaluation.paired_losses import RowLosses
from evaluation.selection import Setting, SettingOutcome, setting_losses, simplicity


@dataclass(frozen=True)
class Look:
    """What one look at a race found.

    Attributes:
        hopeless: settings that cannot win as things stand.
        out: those of them that stop, having been without hope at the look before as well.
    """

    hopeless: frozenset[Setting] = frozenset()
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
    """A look at the settings that are still in the race.

    Never out are the simplest setting, which every other one must be proven against; the best with ε > 0, which
    comparisons and shadow rows carry; and ε = 0 of a class weight of which some ε > 0 goes on, its twin. Settings that
    are only shown cannot win from the start, and are out at the first look.

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
    losses = RowLosses(found.by_setting, found.clusters, rivals=rivals)
    settings = sorted(losses.by_setting, key=simplicity)
    leader, simplest = min(settings, key=losses.mean), settings[0]
    smoothed = min((each for each in settings if each.smoothing > 0), key=losses.mean, default=simplest)
    hopeless = {each for each in settings if _hopeless(losses, each, simplest=simplest, leader=leader)}
    out = (hopeless & before.hopeless) - {simplest, smoothed}
    going_on = [each for each in settings if each not in out]
    return Look(frozenset(hopeless), frozenset((out - _twins(going_on)) | shown))


def _hopeless(losses: RowLosses[Setting], setting: Setting, *, simplest: Setting, leader: Setting) -> bool:
    return losses.difference(setting, leader).proven or losses.mean(setting) >= losses.mean(simplest)


def _twins(going_on: Sequence[Setting]) -> set[Setting]:
    """The ε = 0 settings of everything smoothed that goes on."""
    return {Setting(0.0, each.class_weight, each.weighting) for each in going_on if each.smoothing > 0}
