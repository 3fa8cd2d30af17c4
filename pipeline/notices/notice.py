"""A notice: what happened, as one JSON object that is the same on every way it goes."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from pipeline.storage.content import json_ready
from pipeline.storage.masking import masked_values

Kind = Literal["champion_changed", "monitoring_alarm"]


@dataclass(frozen=True)
class Notice:
    """Something that happened.

    Attributes:
        kind: of what.
        content: what a receiver wants to know, ready for JSON.
        seconds: when, since 1970.
    """

    kind: Kind
    content: Mapping[str, Any]
    seconds: float = field(default_factory=time.time)

    @cached_property
    def id(self) -> str:
        """The same for the same thing however often it is sent, so that a receiver can tell a repetition."""
        told = json.dumps([self.kind, json_ready(self.content)], sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    @cached_property
    def body(self) -> bytes:
        """One JSON object in UTF-8: `event`, `id`, `time` and the content; card numbers and passwords are masked."""
        when = datetime.fromtimestamp(self.seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        told = {"event": self.kind, "id": self.id, "time": when, **self.content}
        return json.dumps(masked_values(json_ready(told)), ensure_ascii=False, default=str).encode()
