"""A preset for files that nobody described, as sections with the reason of each choice above it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.inspection.amount_choice import AmountChoice, amount_choice
from pipeline.inspection.id_choice import IdChoice, id_choice
from pipeline.inspection.interview import Interview
from pipeline.inspection.label_choice import LabelChoice, label_choice
from pipeline.inspection.other_columns import OtherColumns, other_columns
from pipeline.inspection.row_sample import RowSample
from pipeline.inspection.seen_columns import SeenColumns, seen_columns
from pipeline.inspection.text_form import TextForm
from pipeline.inspection.time_choice import event_time_choice, report_time_choice, time_columns
from pipeline.inspection.time_readings import TimeReading
from pipeline.inspection.toml_text import Section
from pipeline.reading.header_names import quoted_names


@dataclass(frozen=True)
class PresetDraft:
    """Sections of the preset, and rates of currencies that it needs beside it, by currency."""

    sections: Sequence[Section]
    rates: dict[str, str]
    entities: tuple[str, ...]


@dataclass(frozen=True)
class _Choices:
    event: TimeReading
    report: TimeReading | None
    amount: AmountChoice
    label: LabelChoice
    ids: IdChoice
    others: OtherColumns


def preset_draft(sample: RowSample, form: TextForm, interview: Interview, *, of: str) -> PresetDraft:
    """The preset that reads a sample.

    Args:
        sample: rows of the files.
        form: how these are written.
        interview: settles what is not sure.
        of: what the files are called, for the description.

    Raises:
        InputError: nothing can be the time, the amount or the label.
    """
    seen = seen_columns(sample)
    chosen = _choices(seen, interview)
    rates = dict(chosen.amount.rates)
    sections = [*_head(form, seen, chosen.others, of), *_role_sections(chosen, interview), *_input_sections(chosen)]
    return PresetDraft(sections, rates, tuple(chosen.ids.entities))


def _choices(seen: SeenColumns, interview: Interview) -> _Choices:
    event = event_time_choice(seen, interview)
    label = label_choice(seen, interview, taken=set(event.columns))
    report = report_time_choice(seen, event, label, interview)
    times = {*time_columns(event, report)}
    ids = id_choice(seen, interview, taken={*times, label.column})
    taken = {*times, label.column, *ids.columns}
    amount = amount_choice(seen, interview, taken=taken)
    taken |= {amount.column, *([amount.currency["column"]] if amount.currency else [])}
    others = other_columns(seen, label, taken=taken, entities=[*ids.entities, *_refund(amount)])
    return _Choices(event, report, amount, label, ids, others)


def _refund(amount: AmountChoice) -> list[str]:
    return [amount.keys["refund"]] if "refund" in amount.keys else []


def _head(form: TextForm, seen: SeenColumns, others: OtherColumns, of: str) -> Iterator[Section]:
    keys: dict[str, object] = {"description": f"Written by `harbor init` for {of}."}
    if form.delimiter != ",":
        keys["delimiter"] = form.delimiter
    if form.encoding != "utf-8":
        keys["encoding"] = form.encoding
    if seen.quotes:
        keys["quotes"] = seen.quotes
    yield Section("", keys)
    if others.leaks:
        yield Section("", {"leaks": list(others.leaks)}, ("# named or filled as only what is known later can be",))
    if others.personal:
        yield Section("", {"personal": list(others.personal)}, ("# personal data is not read",))


def _role_sections(chosen: _Choices, interview: Interview) -> Iterator[Section]:
    def section(name: str, keys: dict[str, object], *about: str) -> Section:
        return Section(name, keys, tuple(interview.comments(name, *about)))

    if chosen.ids.transaction is not None:
        yield section("transaction_id", dict(chosen.ids.transaction))
    yield section("event_time", dict(chosen.event.keys))
    for name, keys in chosen.ids.entities.items():
        yield section(f"entities.{name}", dict(keys))
    yield section("amount", dict(chosen.amount.keys))
    if chosen.amount.currency is not None:
        yield section("currency", dict(chosen.amount.currency))
    words = {"yes": list(chosen.label.yes), "no": list(chosen.label.no), "unknown": list(chosen.label.unknown)}
    yield section("label", {"column": chosen.label.column, **{word: each for word, each in words.items() if each}})
    if chosen.report is not None:
        yield section("label_available_at", dict(chosen.report.keys))


def _input_sections(chosen: _Choices) -> Iterator[Section]:
    for keys in chosen.others.categorical:
        yield Section("[categorical]", keys)
    unread = [f"# not read, {why}: {quoted_names(names)}" for why, names in chosen.others.unread.items()]
    groups = [Section("[numeric]", keys) for keys in chosen.others.numeric]
    yield from groups
    if unread:
        yield Section("", {}, tuple(unread))
