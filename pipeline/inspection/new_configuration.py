"""`harbor init`: from files that nobody described to a preset and a configuration that read and split them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from features.split import LabelsConfig
from features.times import time_text
from pipeline.config import Config
from pipeline.inspection.config_draft import config_sections
from pipeline.inspection.ingested_data import IngestedData, ingested_data
from pipeline.inspection.interview import Interview
from pipeline.inspection.known_layouts import known_layout
from pipeline.inspection.preset_draft import PresetDraft, preset_draft
from pipeline.inspection.row_sample import row_sample
from pipeline.inspection.text_form import text_form
from pipeline.inspection.toml_text import Section, toml_text
from pipeline.process.reporter import Reporter
from pipeline.reading.header_names import quoted_names
from pipeline.reading.sources import SourceFile, source_files
from pipeline.sections import DataConfig
from pipeline.stages.artifacts.ingest_report import rate_text, reasons_text
from pipeline.stages.ingest.preset_files import load_preset
from pipeline.storage.atomic import write_text
from pipeline.storage.errors import INPUT_ERRORS, InputError
from pipeline.storage.masking import masked

HEAD = "# Written by `harbor init`. A line that begins with `# check:` is a choice that nobody could be sure of."
PRESET, RATES = ".preset.toml", ".rates.csv"
TRIAL_RATE = "1"
"""What a rate that is still to be given counts as while the folds are laid out."""


@dataclass(frozen=True)
class NewConfiguration:
    """What is to be written, and what there is to say of it.

    Attributes:
        config: path of the configuration.
        files: content by path.
        data: what ingest makes of the files; None where it refuses them.
        refusal: why it does; empty where it does not.
        preset: name or path.
        unrated: currencies whose rate somebody must still give.
    """

    config: Path
    files: dict[Path, str] = field(repr=False)
    data: IngestedData | None
    refusal: str
    preset: str
    unrated: tuple[str, ...] = ()


def new_configuration(
    source: Sequence[str], out: Path, interview: Interview, *, force: bool = False, reporter: Reporter | None = None
) -> NewConfiguration:
    """Look at files, settle what is to be settled, and try what comes of it; nothing is written.

    Args:
        source: paths, patterns, addresses.
        out: folder of the configuration.
        interview: settles what is not sure.
        force: whether files that are there may be written over; where not, they are met before any question.
        reporter: is told how far the reading has come.

    Raises:
        InputError: the files cannot be read, differ in their columns, or hold no time, amount or label; what is to be
            written is there already.
    """
    files = source_files(tuple(source))
    name = configuration_name(files[0])
    config, path = out / f"{name}.toml", out / f"{name}{PRESET}"
    _check_place([config], force=force)
    form = text_form(files[0])
    known = known_layout(files, form)
    if known is not None:
        draft = PresetDraft((), {}, tuple(load_preset(DataConfig(preset=known)).entities))
        preset, written = known, {}
    else:
        _check_place([path], force=force)
        draft = preset_draft(row_sample(files, form), form, interview, of=masked(files[0].name))
        preset, written = str(path), _preset_files(path, draft)
    data, refusal = _tried(source, Path(preset), known, draft, reporter)
    sections = config_sections(data, interview, source=source, preset=preset, entities=draft.entities)
    written[config] = f"{HEAD}\n{toml_text([*sections])}"
    unrated = tuple(code for code, rate in draft.rates.items() if not rate)
    return NewConfiguration(config, written, data, refusal, preset, unrated)


def configuration_name(file: SourceFile) -> str:
    """What a configuration for a file is called: its name, of letters, digits, - and _."""
    stem = file.name.rpartition("/")[2].split(".")[0]
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", masked(stem)).strip("-")
    return plain or "transactions"


def write_configuration(new: NewConfiguration, *, force: bool) -> None:
    """Write the files.

    Raises:
        InputError: one is there already and `force` is not given; nothing is written then.
    """
    _check_place([*new.files], force=force)
    for path, text in new.files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)


def said_of(new: NewConfiguration, interview: Interview) -> Iterator[str]:
    """What was found and written, and what somebody should look at."""
    if new.data is not None:
        report = new.data.report
        yield (
            f"found   {report.accepted:,} rows read, {report.quarantined:,} set aside, "
            f"{time_text(report.start)[:10]} to {time_text(report.end)[:10]}, {rate_text(report)}"
        )
        if report.reasons:
            yield f"        {reasons_text(report)}"
        yield from (f"        {role} ← {quoted_names([source])}" for role, source in report.columns.used.items())
        yield from (f"! {warning}" for warning in report.warnings)
    for question in interview.open:
        yield f"check:  {question.about}: {question.reason}"
    if new.refusal:
        yield f"! as it stands, the files are refused: {new.refusal}"
    yield from (f"wrote   {path}" for path in new.files)
    if new.preset not in {str(path) for path in new.files}:
        yield f"preset  {new.preset}, which Harbor ships"
    yield from _next_steps(new)


def _next_steps(new: NewConfiguration) -> Iterator[str]:
    """What to do with the files, and first what they cannot be read without."""
    if new.refusal:
        yield f"next    mend what is refused, then harbor check --config {new.config}"
        return
    if new.unrated:
        rates = next(path for path in new.files if path.name.endswith(RATES))
        yield f"next    fill in the rate of {', '.join(new.unrated)} in {rates}, without it the files are refused"
        yield f"        harbor check --config {new.config}"
    else:
        yield f"next    harbor check --config {new.config}"
    yield f"        harbor run --config {new.config}"


def _check_place(paths: Sequence[Path], *, force: bool) -> None:
    there = [str(path) for path in paths if path.exists()]
    if there and not force:
        raise InputError(f"{', '.join(there)}: is there already; --force writes over it, --out DIR puts it elsewhere")


def _preset_files(path: Path, draft: PresetDraft) -> dict[Path, str]:
    sections = list(draft.sections)
    rates = path.with_name(path.name.replace(PRESET, RATES))
    files = {}
    if draft.rates:
        sections = [_with_rates(each, rates.name) for each in sections]
        files[rates] = _rates_text(draft.rates)
    headed = [Section("", {}, (HEAD,)), *sections]
    return {path: toml_text(headed), **files}


def _with_rates(section: Section, rates: str) -> Section:
    if section.header != "currency":
        return section
    return Section(section.header, {**section.keys, "rates": rates}, section.comments)


def _rates_text(rates: dict[str, str]) -> str:
    return "\n".join(["currency,rate", *(f"{code},{rate}" for code, rate in rates.items())]) + "\n"


def _tried(
    source: Sequence[str], path: Path, known: str | None, draft: PresetDraft, reporter: Reporter | None
) -> tuple[IngestedData | None, str]:
    """What ingest makes of the files with the preset, or why it refuses them, by the names they will have."""
    with TemporaryDirectory(prefix="harbor-") as folder:
        preset = known or str(Path(folder) / path.name)
        if known is None:
            trial = PresetDraft(draft.sections, {code: rate or TRIAL_RATE for code, rate in draft.rates.items()}, ())
            for path, text in _preset_files(Path(preset), trial).items():
                write_text(path, text)
        try:
            data = DataConfig(source=tuple(source), preset=preset)
            return ingested_data(Config(data=data, labels=LabelsConfig(delay=0)), as_of=None, reporter=reporter), ""
        except INPUT_ERRORS as error:
            return None, str(error).replace(f"{folder}/", "")
