"""Fits of few settings each, which leave cores idle where they come one after another: a core for every fit."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from models.device import chosen_device
from models.options import TrainConfig
from models.training.loop import torch_threads

Given = TypeVar("Given")
Made = TypeVar("Made")


def cores(config: TrainConfig) -> int:
    """How many fits can go on at once: as many as there are threads, and one on a GPU, which is filled by one."""
    if chosen_device(config.device).type != "cpu":
        return 1
    return config.threads or torch.get_num_threads()


def parallel_fits(workers: int, fit: Callable[[Given], Made], given: Sequence[Given]) -> list[Made]:
    """What `fit` makes of each, in their order; they are begun in it too, so the longest should come first."""
    workers = min(workers, len(given))
    if workers < 2:
        return [fit(each) for each in given]
    with torch_threads(1), ThreadPoolExecutor(workers) as pool:
        return list(pool.map(fit, given))
