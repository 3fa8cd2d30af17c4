"""Windows of one specification in several processes: each group has an owner, and what owners answer is joined.

What an aggregate says of a row depends on the rows of its group alone, so the owner of a card needs the card's rows and
no others. A row goes to the owner of each of its ids; columns of several ids belong to the owner of the first one:
card and merchant together to that of the card. Whoever joins decides what is late, for it alone sees all times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from features.online.id_keys import NULL, IdKeys
from features.online.records import KNOWN_WORDS
from features.online.state import ANSWERED, Outcome
from features.windows.kernels import NO_EVENT, Float32
from features.windows.spec import FeatureSpec
from pipeline.serve.engine import Engine
from pipeline.serve.kept_events import key_of
from pipeline.serve.live_events import LabelTaken
from pipeline.state.history_state import HistoryState
from pipeline.state.state_files import StateFolder, checked_state, write_next_state


class Partial(NamedTuple):
    """What a shard says of a row.

    Attributes:
        outcome: what became of it there.
        answers: all columns of entities; those of groups that the shard does not own say nothing.
    """

    outcome: Outcome
    answers: Float32


class ToldLabel(NamedTuple):
    """A label on its way to a shard.

    Attributes:
        transaction_id: of the transaction it is about.
        label: 0 or 1; None withdraws the label that was there.
        available: when it became known, microseconds.
        values: ids of the transaction by column, where nobody may know it.
        ids: the same as the words of an event.
    """

    transaction_id: str | int
    label: int | None
    available: int
    values: Mapping[str, Any] | None = None
    ids: bytes | None = None


class LabelEnd(NamedTuple):
    """What became of a label at a shard.

    Attributes:
        taken: as `Engine.label` says.
        old: the label before, as `label_key` has it, where the shard knew the transaction.
    """

    taken: LabelTaken
    old: int


class Shard(Protocol):
    """A process that owns some groups, near or far."""

    def begin_take(self, values: Mapping[str, Any]) -> None:
        """Ask for a row to be counted and logged; `partial` says what became of it."""

    def begin_look(self, values: Mapping[str, Any]) -> None:
        """Ask about a row and change nothing; `partial` says the answers."""

    def partial(self) -> Partial:
        """The answer to what was asked last."""

    def label(self, told: ToldLabel) -> LabelEnd:
        """As `Engine.label`."""

    def change(self, words: NDArray[np.int64], old: int, moment: int) -> None:
        """As `Engine.change`."""

    @property
    def newest(self) -> int | None:
        """The latest event_time there, microseconds."""

    def sync(self) -> None:
        """Bring its log to the disk."""

    def close(self) -> None:
        """Let go of it."""


@dataclass
class NearShard:
    """A shard in this process: an engine of its own."""

    engine: Engine
    _partial: Partial | None = None

    def begin_take(self, values: Mapping[str, Any]) -> None:
        """Count the row; one that the log holds is answered as it says, one that the state alone knows is REPEATED."""
        taken = self.engine.take(values)
        if taken.outcome == Outcome.REPEATED:
            before = self.engine.events.event(key_of(taken.words))
            if before is not None:
                self._partial = Partial(Outcome(before.outcome), before.answers)
                return
        if taken.outcome in ANSWERED:
            self.engine.keep(taken, b"")
        self._partial = Partial(taken.outcome, taken.answers)

    def begin_look(self, values: Mapping[str, Any]) -> None:
        """Ask at once."""
        looked = self.engine.look(values)
        self._partial = Partial(looked.outcome, looked.answers)

    def partial(self) -> Partial:
        """What was asked last."""
        if self._partial is None:
            raise ValueError("something must be asked before there is an answer")
        found, self._partial = self._partial, None
        return found

    def label(self, told: ToldLabel) -> LabelEnd:
        """As `Engine.label`."""
        state = self.engine.state
        old = state.label_of(np.frombuffer(state.keys.key(told.transaction_id), np.int64))
        taken = self.engine.label(told.transaction_id, told.label, told.available, told.values, ids=told.ids)
        return LabelEnd(taken, int(NO_EVENT) if old is None else old)

    def change(self, words: NDArray[np.int64], old: int, moment: int) -> None:
        """As `Engine.change`."""
        self.engine.change(words, old, moment)

    @property
    def newest(self) -> int | None:
        """Of the engine."""
        return self.engine.newest

    def sync(self) -> None:
        """Of the engine."""
        self.engine.sync()

    def close(self) -> None:
        """Of the engine."""
        self.engine.close()


@dataclass(frozen=True)
class Ownership:
    """Which shard answers which columns of a row.

    Attributes:
        spec: all columns.
        ids: names of the ids, in the order of a state's plan.
        shards: how many there are.
    """

    spec: FeatureSpec
    ids: tuple[str, ...]
    shards: int

    def owners(self, words: NDArray[np.int64]) -> dict[str, int]:
        """The shard of each id that is not null and that columns begin with.

        Args:
            words: of an event.
        """
        starts = {name: KNOWN_WORDS + 2 * self.ids.index(name) for name in self._places}
        keys = {name: words[start : start + 2].tobytes() for name, start in starts.items()}
        return {name: int.from_bytes(key[:8], "little") % self.shards for name, key in keys.items() if key != NULL}

    def joined(self, owners: Mapping[str, int], partials: Mapping[int, Partial]) -> Float32:
        """Columns of entities, each from the owner of its first id; NaN where that is null."""
        found = np.full(sum(map(len, self._places.values())), np.nan, np.float32)
        for name, shard in owners.items():
            found[self._places[name]] = partials[shard].answers[self._places[name]]
        return found

    @cached_property
    def _places(self) -> dict[str, NDArray[np.int64]]:
        """Where among the columns of entities those are that begin with each id."""
        firsts = [column.entity[0] for column in self.spec.columns if column.entity]
        return {name: np.flatnonzero([first == name for first in firsts]) for name in dict.fromkeys(firsts)}


def shard_start(stored: StateFolder, folder: Path) -> StateFolder:
    """The state that a shard begins with: without changes of labels that wait, for the gateway's clock lets them come.

    Args:
        stored: what the gateway begins with.
        folder: gets the shard's own, where there is none yet.
    """
    if not stored.manifest["labels_to_come"]:
        return stored
    if not folder.exists():
        history = stored.loaded(IdKeys())
        nothing = history.to_come.taken(slice(0, 0))
        write_next_state(folder, stored, HistoryState(history.state, nothing))
    return checked_state(folder)


def asked(
    shards: Sequence[Shard], chosen: Sequence[int], values: Mapping[str, Any], *, counted: bool
) -> dict[int, Partial]:
    """What some shards say of a row; all are asked before any answer is waited for."""
    for shard in chosen:
        (shards[shard].begin_take if counted else shards[shard].begin_look)(values)
    return {shard: shards[shard].partial() for shard in chosen}
