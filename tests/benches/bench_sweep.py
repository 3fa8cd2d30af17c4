"""The sweep at once against one setting after another: 15 settings × 500,000 rows × 1 epoch, batches of 512 and 4096.

The network is 76 → 128 → 64 → 2: 22 numbers with their missing indicators, which peers get ready made while ours
are part of the step, and four lookups of 8. Peers run the settings one after another: a stock DataLoader, slices of
tensors, and scikit-learn's MLPClassifier (which has neither lookups nor weights: the same 76 numbers, cross-entropy).
A peer's epoch is timed for one setting and taken fifteen times. The floor is the matrix products of one epoch and
nothing else. HARBOR_BENCH_ROWS, HARBOR_BENCH_THREADS and HARBOR_BENCH_DEVICE=cuda change the case.
"""

import os
import time

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.utils._testing import ignore_warnings

from models.losses import LossSettings, class_ratio
from models.network import Architecture
from models.options import TrainConfig
from models.rows import RowArrays
from models.task import Task
from models.training.loop import fit_networks, torch_threads

ROWS = int(os.environ.get("HARBOR_BENCH_ROWS", "500000"))
THREADS = int(os.environ.get("HARBOR_BENCH_THREADS", "2"))
NUMERIC, VOCABULARIES, WIDTH = 22, (2000, 500, 50, 10), 8
PREVALENCE = 0.018
SETTINGS = [
    LossSettings(smoothing, class_ratio(name, PREVALENCE))
    for name in ("none", "sqrt", "balanced")
    for smoothing in (0.0, 0.05, 0.1, 0.15, 0.2)
]


def bench(data: str | None) -> list[tuple[str, float, float]]:
    """Rows (name, our seconds, peer's seconds) of one epoch of all settings."""
    device = "cuda" if torch.cuda.is_available() and os.environ.get("HARBOR_BENCH_DEVICE", "cpu") == "cuda" else "cpu"
    rows, results = made_rows(), []
    with torch_threads(THREADS):
        for batch_size in (512, 4096):
            floor = floor_seconds(batch_size, device)
            ours = our_seconds(rows, batch_size, device)
            tag = f"{device}, {THREADS} threads, batch {batch_size}"
            results += [
                (f"{tag}: matrix products alone", ours, floor),
                (f"{tag}: DataLoader, one by one", ours, peer_seconds(rows, batch_size, device, loader=True)),
                (f"{tag}: slices, one by one", ours, peer_seconds(rows, batch_size, device, loader=False)),
            ]
            if device == "cpu":
                results.append((f"{tag}: MLPClassifier, one by one", ours, sklearn_seconds(rows, batch_size)))
    return results


def made_rows() -> RowArrays:
    rng = np.random.default_rng(0)
    numeric = rng.normal(size=(ROWS, NUMERIC)).astype(np.float32)
    codes = np.stack([rng.integers(0, size, ROWS) for size in VOCABULARIES], axis=1).astype(np.int32)
    label = (rng.random(ROWS) < PREVALENCE * np.exp(numeric[:, 0])).astype(np.float32)
    return RowArrays(numeric, codes, label, np.ones(ROWS, dtype=np.float32), np.arange(ROWS))


def ready_made(numeric: np.ndarray) -> np.ndarray:
    """Scaled numbers and missing indicators [N, 44]."""
    scaled = np.sign(numeric) * np.log1p(np.abs(numeric))
    return np.concatenate([scaled, np.isnan(numeric).astype(np.float32)], axis=1)


def our_seconds(rows: RowArrays, batch_size: int, device: str) -> float:
    """One epoch of `fit_networks`: the difference between two epochs and one, so that set-up does not count."""
    few = RowArrays(*(getattr(rows, name)[:2000] for name in ("numeric", "categorical", "label", "weight", "time")))

    def fitted(epochs: int, learned: RowArrays) -> float:
        architecture = Architecture(
            knots=((),) * NUMERIC,
            center=(0.0,) * NUMERIC,
            scale=(1.0,) * NUMERIC,
            cardinalities=VOCABULARIES,
            lookup_rows=VOCABULARIES,
            lookup_widths=(WIDTH,) * 4,
            numeric_form="scaled",
        )
        config = TrainConfig(
            epochs=epochs, batch_size=batch_size, dropout=0, unknown_share=0, threads=THREADS, device=device
        )
        began: list[float] = []
        fit_networks(
            Task(learned, few, architecture, PREVALENCE),
            settings=SETTINGS,
            repeats=[0] * len(SETTINGS),
            config=config,
            progress=lambda report: began.append(time.perf_counter()),
        )
        return began[-1] - began[-2]

    fitted(2, few)
    return fitted(2, rows)


def floor_seconds(batch_size: int, device: str, *, steps: int = 30) -> float:
    """Forward, weight and input products of the three layers for all settings, at this batch size."""
    shapes = [(2 * NUMERIC + 4 * WIDTH, 128), (128, 64), (64, 2)]
    settings = len(SETTINGS)
    inputs = [torch.randn(settings, batch_size, wide, device=device) for wide, _ in shapes]
    weights = [torch.randn(settings, wide, out, device=device) for wide, out in shapes]
    outputs = [torch.randn(settings, batch_size, out, device=device) for _, out in shapes]

    def step() -> None:
        for index, (x, w, g) in enumerate(zip(inputs, weights, outputs, strict=True)):
            torch.bmm(x, w)
            torch.bmm(x.transpose(1, 2), g)
            if index:
                torch.bmm(g, w.transpose(1, 2))

    step()
    synchronized(device)
    start = time.perf_counter()
    for _ in range(steps):
        step()
    synchronized(device)
    return (time.perf_counter() - start) / steps * (ROWS / batch_size)


class Plain(torch.nn.Module):
    """The same network as anybody would write it."""

    def __init__(self) -> None:
        super().__init__()
        self.lookups = torch.nn.ModuleList(torch.nn.Embedding(size, WIDTH) for size in VOCABULARIES)
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(2 * NUMERIC + 4 * WIDTH, 128),
            torch.nn.ReLU(),
            torch.nn.Linear(128, 64),
            torch.nn.ReLU(),
            torch.nn.Linear(64, 2),
        )

    def forward(self, numeric: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        looked_up = [lookup(codes[:, index]) for index, lookup in enumerate(self.lookups)]
        return self.layers(torch.cat([numeric, *looked_up], dim=1))


def peer_seconds(rows: RowArrays, batch_size: int, device: str, *, loader: bool) -> float:
    """One epoch of one setting in a plain loop, times the number of settings."""
    numeric = torch.from_numpy(ready_made(rows.numeric))
    codes = torch.from_numpy(rows.categorical.astype(np.int64))
    label = torch.from_numpy(rows.label.astype(np.int64))
    network = Plain().to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    loss_function = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    if loader:
        dataset = torch.utils.data.TensorDataset(numeric, codes, label)
        batches = iter(torch.utils.data.DataLoader(dataset, batch_size=batch_size, shuffle=True))
    else:
        numeric, codes, label = numeric.to(device), codes.to(device), label.to(device)
        order = torch.randperm(ROWS, device=device)
        batches = ((numeric[part], codes[part], label[part]) for part in order.split(batch_size))
    # a tenth of the epoch is enough for the pace of a plain loop; shuffling the whole is paid once
    steps = max(20, ROWS // batch_size // 10)
    start, done = time.perf_counter(), 0
    for x, c, y in batches:
        optimizer.zero_grad()
        loss = loss_function(network(x.to(device), c.to(device)), y.to(device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        done += 1
        if done == steps:
            break
    synchronized(device)
    return (time.perf_counter() - start) / done * (ROWS / batch_size) * len(SETTINGS)


@ignore_warnings(category=ConvergenceWarning)
def sklearn_seconds(rows: RowArrays, batch_size: int) -> float:
    """One epoch of MLPClassifier on a tenth of the rows, times ten, times the number of settings."""
    part = ROWS // 10
    padding = np.zeros((part, 4 * WIDTH), dtype=np.float32)
    matrix = np.concatenate([ready_made(rows.numeric[:part]), padding], axis=1)
    model = MLPClassifier(hidden_layer_sizes=(128, 64), batch_size=batch_size, max_iter=1)
    start = time.perf_counter()
    model.fit(matrix, rows.label[:part])
    return (time.perf_counter() - start) * (ROWS / part) * len(SETTINGS)


def synchronized(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
