"""What the service is at the moment of a scrape: sizes, the length of the log, how scores lie."""

import time
from collections.abc import Mapping

from features.online import arena
from pipeline.serve.admission import Admission
from pipeline.serve.service import MICROSECONDS, Service

WORD = 8


def gauges(service: Service, admission: Admission) -> Mapping[str, tuple[str, float]]:
    """Help and value by name."""
    engine, metrics = service.engine, service.metrics
    memory, newest = engine.state.memory, engine.newest
    behind = 0.0 if newest is None else time.time() - newest / MICROSECONDS
    return {
        "log_offset": ("events in the log", engine.offset),
        "log_writable": ("1 while the log can be written", float(engine.is_writable)),
        "requests_under_way": ("requests that came and are not answered", admission.under_way),
        "state_bytes": ("bytes of the windows of all groups", float(memory[arena.NEXT]) * WORD),
        "state_share": (
            "of the words that the state can grow to, those in use",
            float(memory[arena.NEXT]) / len(memory),
        ),
        "rows_counted": ("rows that are in windows or were", float(memory[arena.ACCEPTED])),
        "rows_late": ("of those, rows that came late", float(memory[arena.LATE])),
        "newest_event_age_seconds": ("from the latest event_time to now", behind),
        "score_stability_index": ("how far scores are from those of the golden rows (PSI)", metrics.stability),
        "shadow_difference": (
            "mean distance of the challenger's probability from the champion's",
            metrics.shadow_difference,
        ),
    }
