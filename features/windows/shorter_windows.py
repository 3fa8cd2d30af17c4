"""The features of a configuration over shorter windows, for a history that cannot fill the ones it asks for."""

from collections.abc import Iterable

from features.times import DAY, HOUR, duration_text
from features.windows.feature_options import FeaturesConfig, split_entry

LADDER = (30 * DAY, 14 * DAY, 7 * DAY, 3 * DAY, DAY, 6 * HOUR, HOUR)
"""Longest windows that are tried in turn."""


def longest_asked(config: FeaturesConfig) -> int:
    """The longest window that a configuration asks for, microseconds; 0 where it asks for no entity."""
    own = [width for entries in config.aggregates.values() for entry in entries if (width := split_entry(entry)[0])]
    return max((*config.windows, *own), default=0) if config.entities else 0


def with_longest_window(config: FeaturesConfig, longest: int) -> FeaturesConfig:
    """The same aggregates over windows of at most this length (microseconds); longer ones become the longest.

    >>> short = with_longest_window(FeaturesConfig(), 3 * DAY)
    >>> [duration_text(window) for window in short.windows], short.aggregates["card+merchant"][0]
    (['1d', '3d'], '3d_count')
    """
    windows = tuple(dict.fromkeys(min(window, longest) for window in config.windows))
    aggregates = {entity: _cut(entries, longest) for entity, entries in config.aggregates.items()}
    return FeaturesConfig.model_validate({**dict(config), "windows": windows, "aggregates": aggregates})


def windows_toml(config: FeaturesConfig) -> str:
    """The windows and aggregates of section [features] to paste into a configuration."""
    lines = ["[features]", f"windows = [{_quoted(map(duration_text, config.windows))}]", "", "[features.aggregates]"]
    for entity, entries in config.aggregates.items():
        lines.append(f'"{entity}" = [{_quoted(entries)}]')
    return "\n".join(lines)


def _cut(entries: Iterable[str], longest: int) -> tuple[str, ...]:
    cut = []
    for entry in entries:
        width, name = split_entry(entry)
        cut.append(f"{duration_text(longest)}_{name}" if width is not None and width > longest else entry)
    return tuple(dict.fromkeys(cut))


def _quoted(texts: Iterable[str]) -> str:
    return ", ".join(f'"{text}"' for text in texts)
