"""What became of the runs in a folder, read from the small files that they leave."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from features.suggestions import did_you_mean
from pipeline.stages.artifacts.evaluate_report import GateReport
from pipeline.storage.done import DONE, Completion, read_done
from pipeline.storage.errors import InputError

PAGES = (Path("refit") / "report.html", Path("evaluate") / "report.html")
"""The page of a run, written again by refit once that has finished."""
MANIFEST = "bundle/manifest.json"


@dataclass(frozen=True)
class RunSummary:
    """One run.

    Attributes:
        folder: of the run.
        finished: when its last stage finished, in seconds since 1970; 0 where none has.
        stage: the one that finished last, empty where none has.
        passed: the verdict of the gate; None where there is none.
        headline: what evaluate, or else the last stage, said of itself.
        manifest: SHA-256 of its bundle's manifest, empty where there is no bundle.
    """

    folder: Path
    finished: float
    stage: str
    passed: bool | None
    headline: str
    manifest: str

    @property
    def line(self) -> str:
        """Name, time, verdict and headline."""
        verdict = f"{self.stage or 'nothing'} done" if self.passed is None else "passed" if self.passed else "refused"
        return f"{self.folder.name:<28} {moment_text(self.finished)}  {verdict:<10}  {self.headline}".rstrip()


def run_summaries(runs: Path) -> list[RunSummary]:
    """The runs in a folder, the one that finished a stage last first."""
    folders = [path.parent for path in runs.glob("*/config.json")]
    return sorted(map(_summary, folders), key=lambda run: (-run.finished, run.folder.name))


def report_page(text: str | None, *, runs: Path) -> Path:
    """The page of a run: of a folder, of a name among the runs, or of the run that was judged last.

    Raises:
        InputError: there is no such run, or it has no page yet.
    """
    if text is None:
        pages = [(page.stat().st_mtime, page) for folder in runs.glob("*") if (page := _page(folder)) is not None]
        if not pages:
            raise InputError(f"there must be a run with a report in {runs}, but there is none")
        return max(pages)[1]
    folder = next((each for each in (Path(text).expanduser(), runs / text) if each.is_dir()), None)
    if folder is None:
        names = sorted(path.parent.name for path in runs.glob("*/config.json"))
        raise InputError(f"a run must be a folder or a name in {runs}, got {text!r}{did_you_mean(text, names)}")
    page = _page(folder)
    if page is None:
        raise InputError(f"{folder} must have been judged to have a report, but there is no {PAGES[1]} in it")
    return page


def moment_text(seconds: float) -> str:
    """A moment to the minute, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}" if seconds else f"{'':<16}"


def _page(folder: Path) -> Path | None:
    return next((folder / page for page in PAGES if (folder / page).is_file()), None)


def _summary(folder: Path) -> RunSummary:
    finished = sorted(_completions(folder), key=lambda done: _end(done))
    done = {str(each.details.get("stage", "")): each for each in finished}
    last = finished[-1] if finished else None
    told = done.get("evaluate", last)
    return RunSummary(
        folder=folder,
        finished=_end(last) if last is not None else 0.0,
        stage=str(last.details.get("stage", "")) if last is not None else "",
        passed=_passed(folder) if "evaluate" in done else None,
        headline=str(told.details.get("summary", "")).partition("; gate ")[0] if told is not None else "",
        manifest=done["export"].files.get(MANIFEST, {}).get("sha256", "") if "export" in done else "",
    )


def _completions(folder: Path) -> Iterator[Completion]:
    for path in folder.glob(f"*/{DONE}"):
        done = read_done(path.parent)
        if done is not None:
            yield done


def _end(done: Completion) -> float:
    return float(done.details.get("started", 0.0)) + float(done.details.get("seconds", 0.0))


def _passed(folder: Path) -> bool | None:
    try:
        return GateReport.read(folder / "evaluate" / "report.json").gate.passed
    except InputError:
        return None
