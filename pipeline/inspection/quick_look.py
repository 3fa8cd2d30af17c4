"""The cheap look at the data that a plan takes: files, columns, and whether the folds can lie in the time they span."""

from collections.abc import Iterator

import numpy as np

from features.schema.canonical_columns import role_columns, source_times
from features.schema.column_plan import ColumnPlan, time_roles
from features.schema.instants import NOT_A_TIME
from features.schema.preset import Preset
from features.split import layout_faults
from features.times import time_text
from pipeline.config import Config
from pipeline.reading.batches import header, source_batches
from pipeline.reading.sources import SourceFile, source_files
from pipeline.sections import SIMULATE
from pipeline.stages.ingest.inputs import Input, report_files, source_inputs
from pipeline.stages.ingest.preset_files import load_preset
from pipeline.storage.errors import InputError, faults_text


def look_at_columns(config: Config) -> tuple[Input, ...]:
    """The sources of a configuration, each with its columns; of a simulation none.

    Raises:
        InputError: a file is missing, a pattern fits nothing, columns are missing: every fault.
    """
    if config.data.source == SIMULATE:
        return ()
    preset = load_preset(config.data)
    reports = report_files(config.data, preset)
    if preset.chargebacks is not None and not reports:
        raise InputError(f"data.source must name a file of chargebacks that fits {preset.chargebacks.files!r}")
    return source_inputs(config.data, preset=preset, simulate=_nothing_simulated)


def look_at_span(config: Config, sources: tuple[Input, ...], *, as_of: int | None) -> str:
    """From when to when the rows go, in words; only their times are read. Empty where nobody can tell.

    Raises:
        InputError: the folds cannot lie in that time, or a gap is shorter than the label delay.
    """
    span = _span(config, sources, as_of)
    if span is None:
        return ""
    faults = layout_faults(np.array(span), split=config.split, delay=config.labels.delay, as_of=as_of)
    if faults:
        raise InputError(f"{faults_text(faults, 'the folds')}\n  `harbor check` proposes a layout that fits")
    return f"{time_text(span[0])} to {time_text(span[1])}"


def _span(config: Config, sources: tuple[Input, ...], as_of: int | None) -> tuple[int, int] | None:
    if not sources:
        return None
    preset, plans = load_preset(config.data), {each.name: each.plan for each in sources}
    files = [file for file in source_files(config.data.source) if file.name in plans]
    ends = [end for file in files for end in _ends(file, plans[file.name], preset, as_of)]
    return (min(ends), max(ends)) if ends else None


def _ends(file: SourceFile, plan: ColumnPlan, preset: Preset, as_of: int | None) -> Iterator[int]:
    """The first and the last time in each batch of a file."""
    roles = [role for role in time_roles("event_time").values() if role in plan.columns]
    times = ColumnPlan({role: plan.columns[role] for role in roles}, (), (), (), (), ())
    text = {"delimiter": preset.delimiter, "encoding": preset.encoding}
    if not set(times.needed) <= set(header(file, **text).names):  # joined from another file
        return
    for batch in source_batches(file, columns=times.needed, **text):
        columns = role_columns(batch.table, times, encoding=preset.encoding).values
        micros = source_times(columns, "event_time", preset.event_time, preset.quotes).micros
        known = micros[(micros != NOT_A_TIME) & ((micros <= as_of) if as_of is not None else True)]
        if len(known):
            yield from (int(known.min()), int(known.max()))


def _nothing_simulated(_rows: int, _seed: int) -> None:
    raise AssertionError("a simulation has no files to look at")
