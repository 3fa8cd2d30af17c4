"""Public layouts, and what `harbor simulate` writes, known by their columns and proven by reading some rows."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

import numpy as np

from features.schema.batch import canonical_batch
from features.schema.canonical_columns import Reading
from features.schema.column_plan import column_plan
from features.schema.preset import Preset
from features.times import DAY
from pipeline.inspection.row_sample import row_sample
from pipeline.inspection.text_form import TextForm, text_form
from pipeline.reading.batches import header
from pipeline.reading.sources import SourceFile
from pipeline.sections import DataConfig
from pipeline.stages.ingest.preset_files import load_preset, shipped_presets

NAMED = 0.55
"""Share of a file's columns that a preset must name."""
READABLE = 0.99
"""Share of the rows that it must read."""


def known_layout(files: Sequence[SourceFile], form: TextForm) -> str | None:
    """The shipped preset that reads these files; None where none does.

    Of several the one that names most of the columns.

    Args:
        files: as they were given.
        form: how the first of them is written.
    """
    names = [tuple(header(file, delimiter=form.delimiter, encoding=form.encoding).names) for file in files]
    presets = {name: load_preset(DataConfig(preset=name)) for name in shipped_presets()}
    fitting = {name: each for name, each in presets.items() if TextForm(each.delimiter, each.encoding) == form}
    shares = {name: _share_of_all(files, names, preset) for name, preset in fitting.items()}
    for name in sorted(fitting, key=lambda each: shares[each], reverse=True):
        main = [file for file in files if not _beside(file, fitting[name])]
        if shares[name] >= NAMED and _readable_share(main, fitting[name]) >= READABLE:
            return name
    return None


def _share_of_all(files: Sequence[SourceFile], names: Sequence[tuple[str, ...]], preset: Preset) -> float:
    """The share of columns that a preset names; 0 where files of transactions differ or a feed is missing."""
    main = [place for place, file in enumerate(files) if not _beside(file, preset)]
    if len({frozenset(names[place]) for place in main}) != 1:
        return 0.0
    if preset.chargebacks is not None and len(main) == len(files):
        return 0.0
    return _named_share(names[main[0]], preset)


def _patterns(preset: Preset) -> Iterator[str]:
    if preset.join is not None:
        yield preset.join.files
    if preset.chargebacks is not None:
        yield preset.chargebacks.files


def _beside(file: SourceFile, preset: Preset) -> bool:
    """Whether a file holds what is joined to transactions, and no transactions."""
    return any(fnmatchcase(PurePosixPath(file.name).name, pattern) for pattern in _patterns(preset))


def _named_share(names: Sequence[str], preset: Preset) -> float:
    """Share of the columns that the preset names; 0 where one is missing that must be there."""
    plan = column_plan(preset, names)
    given = {role.partition(".")[0] for role in plan.columns}
    ids = {*preset.entities, *(["transaction_id"] if preset.transaction_id else [])}
    if plan.missing or not ids <= given:
        return 0.0
    return 1.0 - len(plan.ignored) / len(names)


def _readable_share(files: Sequence[SourceFile], preset: Preset) -> float:
    """Share of some rows that the preset accepts."""
    sample = row_sample(files, text_form(files[0]))
    plan = column_plan(preset, sample.names)
    read = canonical_batch(
        sample.raw, reading=Reading(preset, plan, 7 * DAY), row_ids=np.arange(sample.rows, dtype=np.int64)
    )
    return float(read.accepted.num_rows / sample.rows)
