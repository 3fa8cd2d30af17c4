"""S networks in training: the same batches for all of them, each shard of the settings wherever a core is free.

Legend: S setting, N row of a fold, M numeric input.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

import numpy as np
import torch

from models.losses import LossTable
from models.network import Tensors
from models.training.optimizer import AdamState
from models.training.passes import settings_at_once
from models.training.shard import Shard, StepSettings
from models.training.training_batches import BatchMaker, FoldTensors, SharedBatches

SHARDS_A_WORKER = 3
"""Shards a worker has at least where there are settings enough: what one core is late another makes up for."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Workers:
    """Threads that shards are worked on by, each with a core of its own."""

    pool: Executor
    count: int


class StackedNetworks:
    """S networks as shards of the settings, over one stream of batches.

    Args:
        arrays: name → weights [S, ...].
        settings: of a step.
        table: the losses [S].
        batches: where batches come from.
        workers: where shards work side by side; no bit of any setting depends on how many there are.
    """

    def __init__(
        self,
        arrays: Mapping[str, np.ndarray],
        settings: StepSettings,
        *,
        table: LossTable,
        batches: BatchMaker,
        workers: Workers,
    ) -> None:
        self._settings, self._table = settings, table
        self._batches, self._workers = batches, workers
        self._shards: list[Shard] = []
        self._divide(AdamState.begun(self._tensors(arrays)))

    @property
    def settings(self) -> int:
        """How many settings are in training."""
        return len(self._table.epsilon_S)

    def learn(self, fold: FoldTensors, learning_rates: Sequence[float]) -> torch.Tensor:
        """One epoch of all settings over rows drawn from a fold, a step a learning rate; mean losses [S].

        A shard goes through the batches in order, and waits for no other: a free core takes the one farthest behind.
        """
        rows = torch.split(self._batches.drawn(fold), self._settings.batch_size)
        shared = SharedBatches(lambda rows_B: self._batches.batch(fold, rows_B), rows, readers=len(self._shards))
        turns = _Turns(len(self._shards), len(rows))
        losses: list[list[torch.Tensor]] = [[] for _ in self._shards]

        def work(_: int) -> None:
            while (turn := turns.take()) is not None:
                step, place = turn
                loss_S = self._shards[place].step(shared.take(step), learning_rate=learning_rates[step])
                losses[place].append(loss_S)
                turns.give_back(step, place)

        list(self._workers.pool.map(work, range(self._workers.count)))
        # a sum over steps that lie side by side has the same bits whatever settings are beside it
        return torch.cat([torch.stack(each, dim=1).double().mean(1) for each in losses])

    def margins(self, fold: FoldTensors, *, batch_size: int = 2048) -> torch.Tensor:
        """Margins of all settings [S, N], without dropout."""

        def of(start: int) -> torch.Tensor:
            rows = slice(start, start + batch_size)
            numeric_BM, codes_BC = self._batches.inputs(fold, rows), fold.codes_NC[rows]
            return torch.cat([shard.margins(numeric_BM, codes_BC) for shard in self._shards])

        starts = range(0, len(fold.numeric_NF), batch_size)
        return torch.cat(list(self._workers.pool.map(of, starts)), dim=1)

    def by_setting(self, work: Callable[[int], Result]) -> list[Result]:
        """What `work` gives for each setting, side by side."""
        return list(self._workers.pool.map(work, range(self.settings)))

    def keep(self, kept_S: np.ndarray) -> None:
        """Goes on with some of the settings alone."""
        index = torch.tensor(np.flatnonzero(kept_S), device=self._batches.device)
        state = AdamState.joined([shard.state for shard in self._shards]).of(index)
        self._table = self._table.part(index)
        self._divide(state)

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes these weights [S, ...], and begins anew with them."""
        self._divide(AdamState.begun(self._tensors(arrays)))

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights of now as arrays [S, ...]."""
        weights = AdamState.joined([shard.state for shard in self._shards]).weights
        return {name: weight.cpu().numpy() for name, weight in weights.items()}

    def _tensors(self, arrays: Mapping[str, np.ndarray]) -> Tensors:
        return {name: torch.tensor(array, device=self._batches.device) for name, array in arrays.items()}

    def _divide(self, state: AdamState) -> None:
        """Makes shards of the settings: as many as keep every core busy, of no more than the cache holds at once."""
        settings = len(state.weights["output_bias"])
        most = settings_at_once(
            settings, self._settings.batch_size, state.weights["hidden_weight"].shape[1], self._batches.device
        )
        shards = max(-(-settings // most), min(settings, self._workers.count * SHARDS_A_WORKER))
        if self._batches.device.type != "cpu":
            shards = 1
        chosen = np.array_split(np.arange(settings), shards)
        parts = [slice(int(part[0]), int(part[-1]) + 1) for part in chosen]
        self._shards = [
            Shard(state.of(part), self._settings, table=self._table.part(part), device=self._batches.device)
            for part in parts
        ]


class _Turns:
    """Whose turn it is: of the shards that nobody works on, the one farthest behind."""

    def __init__(self, shards: int, steps: int) -> None:
        self._steps = steps
        self._free = [(0, place) for place in range(shards)] if steps else []
        self._lock = Lock()

    def take(self) -> tuple[int, int] | None:
        """A step and the place of the shard that is to make it; None where all that is left is being worked on."""
        with self._lock:
            return heapq.heappop(self._free) if self._free else None

    def give_back(self, step: int, place: int) -> None:
        """The step is made."""
        if step + 1 < self._steps:
            with self._lock:
                heapq.heappush(self._free, (step + 1, place))
