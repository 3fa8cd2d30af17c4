"""A judgement on outcomes in its two files: JSON for machines, and a page beside it."""

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.render.monitoring_page import monitoring_html
from pipeline.storage.addresses import is_remote, local_path
from pipeline.storage.atomic import write_text
from pipeline.storage.content import write_json
from pipeline.storage.errors import InputError
from pipeline.storage.transfers import sent_beside, written_file

CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
"""What a place says where nothing may be written."""


@dataclass(frozen=True)
class WrittenJudgement:
    """Where the JSON and the page are, as a person would name them, and the files that lie on this machine."""

    shown: tuple[str, str]
    files: tuple[Path, ...]


def place_beside(outcomes: Path) -> Path:
    """Where the report of an outcome file, or of a folder of them, is written unless another place is named."""
    return outcomes.with_name(f"{outcomes.stem}.report.json")


def page_beside(place: Path) -> Path:
    """Where the page of a report goes."""
    return place.with_suffix(".html")


def write_beside(report: Mapping[str, Any], outcomes: Path, named: str) -> WrittenJudgement:
    """Write both files beside the outcomes, and send them where those came from.

    Args:
        report: what `outcomes_judgement` returned.
        outcomes: the file or folder on this machine.
        named: as the user named it, an address perhaps.

    Raises:
        InputError: nothing may be written there.
    """
    place = write_judgement(report, place_beside(outcomes))
    page = write_page(report, page_beside(place))
    return WrittenJudgement((sent_beside(place, named), sent_beside(page, named)), (place, page))


def write_out(report: Mapping[str, Any], out: str) -> WrittenJudgement:
    """Write both files where the user wants the JSON.

    Args:
        report: what `outcomes_judgement` returned.
        out: a path or an address.

    Raises:
        InputError: nothing may be written there.
    """
    head, slash, name = out.rpartition("/")
    page_out = f"{head}{slash}{page_beside(Path(name))}"
    with written_file(out) as target:
        write_judgement(report, target)
    with written_file(page_out) as target:
        write_page(report, target)
    files = () if is_remote(out) else (local_path(out), local_path(page_out))
    return WrittenJudgement((out, page_out), files)


def write_judgement(report: Mapping[str, Any], place: Path) -> Path:
    """Write a report and give its place back.

    Raises:
        InputError: nothing may be written there: another place must be named.
    """
    try:
        write_json(place, report)
    except OSError as error:
        raise _closed(error, place) from None
    return place


def write_page(report: Mapping[str, Any], place: Path) -> Path:
    """Write a report's page and give its place back; raises as `write_judgement`."""
    text = monitoring_html(report)
    try:
        write_text(place, text)
    except OSError as error:
        raise _closed(error, place) from None
    return place


def _closed(error: OSError, place: Path) -> Exception:
    """What to say where nothing may be written; any other fault as it is."""
    if error.errno not in CLOSED:
        return error
    return InputError(f"{place}: the report cannot be written there ({error.strerror}); name a place with --out")
