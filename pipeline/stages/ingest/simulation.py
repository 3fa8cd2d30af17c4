"""Simulated transactions as a file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.simulate.chargebacks import simulated_chargebacks
from features.simulate.simulated import simulate_transactions
from pipeline.storage.atomic import output_path, replaced_file
from pipeline.storage.content import write_table
from pipeline.storage.csv_text import csv_bytes
from pipeline.storage.errors import InputError


@dataclass(frozen=True)
class WrittenSimulation:
    """How much was written: rows, and the share of them labelled as fraud."""

    rows: int
    fraud_share: float


def write_simulation(
    out: Path, *, rows: int, seed: int, scenario: str, truth: Path | None = None, chargebacks: Path | None = None
) -> WrittenSimulation:
    """Write simulated raw transactions, and on request each row's true probability of being labelled as fraud.

    With `chargebacks` the labels come in that file, as a feed of reports, and the transactions have none.

    Of the scenario "censored" the truth holds every row's label too, those of blocked rows among them.
    The truth goes to a file of its own, so that no pipeline can read it by mistake.

    Raises:
        InputError: a file name that ends neither in .parquet nor in .csv, a folder in a file's place, or what
            `simulate_transactions` refuses.
    """
    for option, path in (("--out", out), ("--chargebacks", chargebacks)):
        if path is not None and path.suffix not in (".parquet", ".csv"):
            raise InputError(f"{option} must end in .parquet or .csv, got {path.name!r}")
    written = {"--out": out, "--truth": truth, "--chargebacks": chargebacks}
    places: dict[Path, str] = {}
    for option, path in written.items():
        if path is None:
            continue
        output_path(path)
        if (other := places.setdefault(path.resolve(), option)) != option:
            raise InputError(f"{option} must name another file than {other}, got {path} for both")
    simulation = simulate_transactions(rows, seed=seed, scenario=scenario)
    if chargebacks is None:
        _write(out, simulation.transactions)
    else:
        _write(out, simulation.transactions.drop_columns(["label", "label_available_at"]))
        _write(chargebacks, simulated_chargebacks(simulation.transactions, rng=np.random.default_rng([seed, 1])))
    if truth is not None:
        labels = {"label": pa.array(simulation.label)} if scenario == "censored" else {}
        ids = simulation.transactions["transaction_id"]
        _write(truth, pa.table({"transaction_id": ids, "true_probability": simulation.true_probability, **labels}))
    return WrittenSimulation(rows, float(simulation.label.mean()))


def _write(path: Path, table: pa.Table) -> None:
    with replaced_file(path) as temporary:
        if path.suffix == ".csv":
            temporary.write_bytes(csv_bytes(table))
        else:
            write_table(temporary, table)
