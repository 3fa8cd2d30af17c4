"""How an engine comes to where it was: the newest snapshot that is whole, and the log behind it."""

from dataclasses import dataclass
from pathlib import Path

from features.online.id_keys import IdKeys
from features.times import MINUTE
from pipeline.serve.event_index import EventIndex
from pipeline.serve.kept_events import KeptEvents
from pipeline.serve.row_features import RowFeatures
from pipeline.serve.serving_folder import TornEnd, cut_torn_end, writable_end
from pipeline.state.history_state import HistoryState
from pipeline.state.log_following import followed
from pipeline.state.log_scan import segments_since
from pipeline.state.log_writer import SEGMENT_BYTES, LogWriter
from pipeline.state.snapshots import newest_snapshot
from pipeline.state.state_files import StateFolder


@dataclass(frozen=True)
class EngineOptions:
    """What may change from one start to the next.

    Attributes:
        ahead: how far before the newest row another one may be, microseconds; None without bound.
        digest_every: events after which the digest of the state is published in the log; 0 for never.
        segment_bytes: at which the next segment of the log begins.
    """

    ahead: int | None = 5 * MINUTE
    digest_every: int = 100_000
    segment_bytes: int = SEGMENT_BYTES


@dataclass(frozen=True)
class Start:
    """How an engine came to where it is.

    Attributes:
        snapshot: offset of the snapshot it began with; 0 where it began with the first event.
        replayed: events that came behind it.
        torn: what was cut off the log's end; None where nothing was.
        faults: why newer snapshots were left aside.
    """

    snapshot: int
    replayed: int
    torn: TornEnd | None
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Restored:
    """Where serving was when its last process ended.

    Attributes:
        history: the windows of all groups, and changes of labels that wait.
        events: the log and its index.
        start: how it was come to.
    """

    history: HistoryState
    events: KeptEvents
    start: Start


def restored(folder: Path, begun: StateFolder, keys: IdKeys, options: EngineOptions) -> Restored:
    """Cut what is torn off a log, bring the state to its end, and index what is not indexed.

    Args:
        folder: of serving, held by this process.
        begun: what the first event met.
        keys: how ids become keys.
        options: see there.

    Raises:
        InputError: the log is damaged, or not the one of its state.
    """
    sha256 = begun.manifest["features_sha256"]
    end, torn = cut_torn_end(folder, features_sha256=sha256)
    reached, faults = newest_snapshot(folder, begun, keys=keys, end=end)
    history, plan = reached.history, reached.history.state.plan
    index, last = EventIndex(folder, began=begun.manifest["digest"], end=end), None
    try:
        since = min(reached.offset, index.covered)
        for segment in segments_since(folder, since, features_sha256=sha256, repaired=True):
            index.add_segment(segment, plan.event_words)
            history = followed(history, segment.part(reached.offset, end)).history
            last = segment
    except BaseException:
        index.close()
        raise
    log = LogWriter(
        folder, offset=end, features_sha256=sha256, last=writable_end(last), segment_bytes=options.segment_bytes
    )
    kept = KeptEvents(folder, sha256, RowFeatures(plan.spec, plan.ids), log, index)
    return Restored(history, kept, Start(reached.offset, end - reached.offset, torn, tuple(faults)))
