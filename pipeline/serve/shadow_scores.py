"""A challenger beside the champion: it scores the same feature rows a little later, and decides nothing."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.serve.deployment import PROBABILITY, Deployment
from pipeline.serve.live_events import LiveFeatures
from pipeline.serve.service_metrics import ServiceMetrics
from pipeline.storage.atomic import replaced_file

MOST_WAITING = 4096
AT_ONCE = 64
PART_ROWS = 50_000
"""Rows of a file: a file is written when so many have been scored, and at the end."""
PAUSE = 0.05
"""Seconds between looks at the queue."""
DECAY = 0.999


class ShadowRow(NamedTuple):
    """A row that the champion answered.

    Attributes:
        offset: in the log.
        transaction_id: of it.
        event_time: microseconds.
        amount: in units.
        numbers: numeric columns [1, F].
        texts: categorical columns, str [1, 1].
        champion: the champion's probability.
    """

    offset: int
    transaction_id: str | int
    event_time: int
    amount: float
    numbers: NDArray[np.float32]
    texts: Mapping[str, NDArray[Any]]
    champion: float


class ShadowScores:
    """Scores rows from a bounded queue on a thread of its own; where it is too slow, the oldest are left out."""

    def __init__(self, challenger: Deployment, folder: Path, metrics: ServiceMetrics) -> None:
        self.challenger = challenger
        self._folder = folder
        self._metrics = metrics
        self._queue: deque[ShadowRow] = deque()
        self._scored: list[tuple[ShadowRow, float]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="harbor-shadow")
        self._ended = asyncio.Event()

    def offer(self, taken: LiveFeatures, values: Mapping[str, Any], probability: float, offset: int) -> None:
        """Take a row that was answered."""
        if len(self._queue) >= MOST_WAITING:
            self._queue.popleft()
            self._metrics.add("shadow", "dropped")
        time, amount = values["event_time"], values["amount"]
        row = ShadowRow(offset, values["transaction_id"], time, amount, taken.numbers, taken.texts, probability)
        self._queue.append(row)

    async def run(self) -> None:
        """Score what comes until `end`, then write what is left."""
        while not (self._ended.is_set() and not self._queue):
            if not self._queue:
                await self._pause()
                continue
            rows = [self._queue.popleft() for _ in range(min(AT_ONCE, len(self._queue)))]
            loop = asyncio.get_running_loop()
            try:
                found = await loop.run_in_executor(self._thread, _probabilities, self.challenger, rows)
            except Exception:  # a challenger that fails must not cost the champion anything
                self._metrics.add("shadow", "failed", count=len(rows))
                continue
            self._take(rows, found)
            if len(self._scored) >= PART_ROWS:
                await loop.run_in_executor(self._thread, self._write)
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write)
        self._thread.shutdown()

    def end(self) -> None:
        """Let `run` come to its end."""
        self._ended.set()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(PAUSE):
                await self._ended.wait()
        except TimeoutError:
            pass

    def _take(self, rows: Sequence[ShadowRow], found: Sequence[float]) -> None:
        self._metrics.add("shadow", "scored", count=len(rows))
        for row, probability in zip(rows, found, strict=True):
            apart = abs(probability - row.champion)
            self._metrics.shadow_difference = DECAY * self._metrics.shadow_difference + (1 - DECAY) * apart
            self._scored.append((row, probability))

    def _write(self) -> None:
        scored, self._scored = self._scored, []
        if not scored:
            return
        self._folder.mkdir(exist_ok=True)
        with replaced_file(self._folder / f"{scored[0][0].offset:020d}.parquet") as path:
            pq.write_table(_table(scored, self.challenger), path, compression="zstd", write_page_checksum=True)


def _probabilities(challenger: Deployment, rows: Sequence[ShadowRow]) -> list[float]:
    numbers = np.concatenate([row.numbers for row in rows])
    names = challenger.scorer.signature.categorical
    texts = {name: np.concatenate([row.texts[name] for row in rows]) for name in names}
    found = challenger.scorer.matrix_outputs(numbers, texts, (PROBABILITY,))[0]
    probabilities: list[float] = found[:, 0].tolist()
    return probabilities


def _table(scored: Sequence[tuple[ShadowRow, float]], challenger: Deployment) -> pa.Table:
    """Rows as `harbor evaluate --outcomes` takes them once their labels have been filled in."""
    rows = [row for row, _ in scored]
    signature, numbers = challenger.scorer.signature, np.concatenate([row.numbers for row in rows])
    columns = {
        "transaction_id": pa.array([str(row.transaction_id) for row in rows]),
        "event_time": pa.array(np.array([row.event_time for row in rows]), pa.timestamp("us", "UTC")),
        "amount": np.array([row.amount for row in rows]),
        "label": pa.nulls(len(rows), pa.int8()),
        PROBABILITY: np.array([probability for _, probability in scored]),
        "champion": np.array([row.champion for row in rows]),
        **{name: np.ascontiguousarray(numbers[:, place]) for place, name in enumerate(signature.numeric)},
        **{name: pa.array([str(row.texts[name][0, 0]) for row in rows]) for name in signature.categorical},
    }
    return pa.table(columns)
