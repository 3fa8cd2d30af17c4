"""A configuration for files and their preset: how late labels come, and folds and windows that fit the history."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.fold_layout import Asked, LabelledTimes
from features.times import duration_text, time_text
from features.windows.feature_options import FeaturesConfig
from features.windows.shorter_windows import longest_asked
from pipeline.inspection.delay_choice import delay_choice, duration_days
from pipeline.inspection.ingested_data import IngestedData
from pipeline.inspection.interview import Interview, Question
from pipeline.inspection.toml_text import Section
from pipeline.stages.features.fitting_layout import ROOMY, Layout, layouts

PAIR = ("card", "merchant")


@dataclass(frozen=True)
class FoldChoice:
    """The delay and the layout that were taken, and why; the layout is None where none fits."""

    delay: int
    reason: str
    layout: Layout | None


def config_sections(
    data: IngestedData | None, interview: Interview, *, source: Sequence[str], preset: str, entities: Sequence[str]
) -> Iterator[Section]:
    """The configuration's sections.

    Args:
        data: what ingest makes of the files; None where it refuses them, and then nothing is said of time.
        interview: settles what is not sure.
        source: the files as they were given.
        preset: name or path.
        entities: id columns of the preset that the files have.
    """
    yield Section("data", {"source": source[0] if len(source) == 1 else list(source), "preset": preset})
    features = features_for(entities)
    if data is not None:
        chosen = fold_choice(data, interview, features)
        comments = interview.comments("labels.delay") or [f"# {chosen.reason}"]
        yield Section("labels", {"delay": duration_text(chosen.delay)}, tuple(comments))
        yield from _fold_sections(data, chosen, features, interview)
        features = chosen.layout.features or features if chosen.layout else features
    yield from _feature_sections(features, shortened=features != features_for(entities))


def features_for(entities: Sequence[str]) -> FeaturesConfig:
    """The default features of the entities that are there."""
    names = [name for name in PAIR if f"{name}_id" in entities]
    pairs = ["+".join(PAIR)] if len(names) == len(PAIR) else []
    identities = ["merchant"] if "merchant" in names else []
    return FeaturesConfig.model_validate({"entities": (*names, *pairs), "identities": identities})


def fold_choice(data: IngestedData, interview: Interview, features: FeaturesConfig) -> FoldChoice:
    """The longest of the delays that leaves the folds room, before any window is shortened, and the layout with it."""
    longest, found = longest_asked(features), []
    for delay, reason in delay_choice(data, interview).delays:
        asked = Asked(delay, longest + delay if longest else 0)
        fitting = layouts(labelled_times(data, delay), features, asked)
        found += [FoldChoice(delay, reason, layout) for layout in fitting]
        if not found:
            found.append(FoldChoice(delay, reason, None))
    return max(found, key=_merit)


def _merit(choice: FoldChoice) -> tuple[bool, bool, float]:
    """Room first, then windows as they were asked for, then the longer windows and the longer delay."""
    layout = choice.layout
    if layout is None:
        return False, False, 0.0
    if layout.share < ROOMY:
        return False, False, layout.share
    return True, layout.features is None, longest_asked(layout.features) if layout.features else 0.0


def labelled_times(data: IngestedData, delay: int) -> LabelledTimes:
    """Times and labels of the transactions, as they would be with a label delay (microseconds).

    Args:
        data: ingested with a delay of nothing, so that labels without a time of their own have their transaction's.
        delay: that these take.
    """
    table = data.transactions
    event = table["event_time"].cast(pa.int64()).to_numpy()
    available = pc.fill_null(pc.cast(table["label_available_at"], pa.int64()), 0).to_numpy()
    label = pc.fill_null(pc.cast(table["label"], pa.float32()), np.nan).to_numpy()
    return LabelledTimes(event, label, np.where(available == event, event + delay, available))


def _fold_sections(
    data: IngestedData, chosen: FoldChoice, features: FeaturesConfig, interview: Interview
) -> Iterator[Section]:
    start, end, layout = data.report.start, data.report.end, chosen.layout
    span = f"{duration_days(end - start)} from {time_text(start)[:10]} to {time_text(end)[:10]}"
    frauds = data.report.labels.fraud
    if layout is None:
        why = f"no folds fit {span} with {frauds:,} frauds: the default lengths stand, and a run would refuse them"
        interview.leave_open(Question("split", "Which folds?", "default", why))
        yield Section("", {}, tuple(interview.comments("split")))
        return
    warmup = longest_asked(layout.features or features)
    warm = f", and {duration_text(warmup + chosen.delay)} before train so that its windows are full" if warmup else ""
    split = layout.split
    lengths = {name: getattr(split, name) for name in ("train", "gap", "valid", "calib", "test")}
    comment = f"{span}, {frauds:,} frauds: two gaps of labels.delay{warm}"
    yield Section("split", lengths, (f"# {comment}",))


def _feature_sections(features: FeaturesConfig, *, shortened: bool) -> Iterator[Section]:
    usual = FeaturesConfig()
    keys: dict[str, object] = {}
    if features.entities != usual.entities:
        keys |= {"entities": list(features.entities), "identities": list(features.identities)}
    why = ["# the ids that the files have"] if keys else []
    if shortened:
        keys["windows"] = [duration_text(window) for window in features.windows]
        why.append(
            f"# windows of 30 days would not be full before train: {duration_text(max(features.windows))} at most"
        )
    yield Section("features", keys, tuple(why))
    if shortened:
        yield Section("features.aggregates", {name: list(each) for name, each in features.aggregates.items()})
