"""A layout that fits where the one that was asked for does not: folds, and where need be shorter windows, as TOML."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from features.fold_layout import Asked, LabelledTimes, fitting_split, fold_share, split_toml
from features.split import SplitConfig
from features.times import DAY, duration_text
from features.windows.feature_options import FeaturesConfig
from features.windows.shorter_windows import LADDER, longest_asked, windows_toml, with_longest_window

ROOMY = 0.4
"""Share of a history that its folds should have: with less, gaps and warm-up eat what models should learn from."""


@dataclass(frozen=True)
class Layout:
    """Lengths of the folds, and the features where their windows had to be shortened; None where they need not."""

    split: SplitConfig
    features: FeaturesConfig | None
    share: float

    @property
    def toml(self) -> str:
        """The sections to paste into a configuration."""
        parts = [split_toml(self.split), *([] if self.features is None else [windows_toml(self.features)])]
        return "\n\n".join(parts)


def layouts(rows: LabelledTimes, features: FeaturesConfig, asked: Asked) -> Iterator[Layout]:
    """Layouts that fit, with the windows asked for where that is possible, then with ever shorter ones.

    Args:
        rows: the history.
        features: what is asked for.
        asked: label delay and as-of; its warm-up is that of the features as they are.
    """
    if (split := fitting_split(rows, asked)) is not None:
        yield Layout(split, None, fold_share(split, rows))
    longest = longest_asked(features)
    for window in (each for each in LADDER if each < longest and asked.warmup):
        shorter = replace(asked, warmup=window + asked.delay)
        if (split := fitting_split(rows, shorter)) is not None:
            yield Layout(split, with_longest_window(features, window), fold_share(split, rows))


def layout_proposal(rows: LabelledTimes, features: FeaturesConfig, asked: Asked) -> str:
    """What to write into the configuration instead, or why no layout would do; the end of a message."""
    layout = next(layouts(rows, features, asked), None) if len(rows.event_time) else None
    if layout is not None:
        shorter = "" if layout.features is None else f", with windows of at most {_longest(layout.features)}"
        return f"a layout that fits{shorter}:\n\n{layout.toml}\n"
    days = (int(rows.event_time.max()) - int(rows.event_time.min())) / DAY if len(rows.event_time) else 0.0
    frauds = int((rows.label == 1).sum())
    return (
        f"no layout fits {days:.4g} days with {frauds:,} known frauds: two gaps of labels.delay "
        f"({duration_text(asked.delay)}) and the warm-up leave no four folds that each hold both classes; "
        "a longer history would, or a shorter labels.delay where labels really come sooner"
    )


def _longest(features: FeaturesConfig) -> str:
    return duration_text(longest_asked(features))
