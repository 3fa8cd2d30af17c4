"""A card number in every field of every file that a command reads: nothing that the command leaves behind shows it.

What it leaves: standard output and error as lines and as records, the report, the quarantine, the journal, and the
store of MLflow with its files. The transactions themselves hold what was delivered, and nothing else does.
"""

import shutil
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline import cli
from tests.oracles.bad_input import HEADER, Row, csv, good_rows, text
from tests.oracles.planted_cards import FOUR, digits_told, spelled

pytestmark = pytest.mark.filterwarnings("ignore")

DELIVERED = {"transactions.parquet"}
BY_CHANCE = 8
PRESET = """
event_time = {column = "event_time"}
transaction_id = {column = "transaction_id"}
amount = {column = "amount"}
entities = {card_id = {column = "card_id"}, merchant_id = {column = "merchant_id"}}
join = {files = "side*", on = "transaction_id"}

[label]
column = "label"
absent = "no"

[chargebacks]
files = "reports*"
transaction_id = {column = "of"}
reported_at = {column = "at"}
outcome = {column = "outcome"}
"""
REPORT = {"of": "t001", "at": "2024-05-01T00:00:00Z", "outcome": "1"}


@pytest.fixture
def harbor(monkeypatch, capfd, tmp_path):
    """Runs a command line with MLflow's store beside its runs; gives its exit code and all it said."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, form):
        monkeypatch.setenv("HARBOR_LOG_FORMAT", form)
        monkeypatch.setattr(sys, "argv", ["harbor", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capfd.readouterr()
        return int(ended.value.code), captured.out + captured.err

    return call


def delivery(folder: Path, *, whole: bool) -> list[str]:
    """Transactions, a joined file and chargebacks with the number in each field of a row of its own, and broken rows.

    Args:
        folder: of the files.
        whole: whether the joined file can be joined.
    """
    cards, names = [*enumerate(map(spelled, FOUR))], HEADER[:5]
    good = good_rows()
    rows: list[Row] = [row | {"transaction_id": f"{n}-{row['transaction_id']}"} for n in range(9) for row in good]
    rows += [good[0] | {"transaction_id": f"p{n}{field}", field: card} for field in names for n, card in cards]
    reports = [REPORT | {"of": "1-t001"}, *(REPORT | {field: card} for field in REPORT for _, card in cards)]
    beside = ["transaction_id,label", "1-t004,1", *(f"{card},0" for _, card in cards)]
    beside += [f"1-t00{n},{card}" for n, card in cards] + [f"1-t009,0,{card}" for _, card in cards if not whole]
    broken = "".join(f"{card},broken\n" for _, card in cards)
    files = [
        csv(folder, text(rows, names) + broken, "rows.csv"),
        csv(folder, text(reports, [*REPORT]), "reports.csv"),
        csv(folder, "\n".join(beside) + "\n", "side.csv"),
    ]
    (folder / "own.toml").write_text(PRESET)
    return [str(path) for path in files]


def shown(held: str) -> int:
    """Digits of the number that a text shows, as far as they are no chance: a journal is full of times and digests."""
    digits = digits_told(held)
    return digits if digits >= BY_CHANCE else 0


def left_behind(folder: Path) -> dict[str, int]:
    """Digits of the number that each file of a folder shows, by its name."""
    told = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in DELIVERED):
        table = pq.read_table(path).to_pylist() if path.suffix == ".parquet" else None
        told[path.name] = shown(path.read_bytes().decode("latin-1") if table is None else str(table))
    return told


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_run_leaves_no_card_number_but_in_its_transactions(harbor, tmp_path, form):
    (tmp_path / "in").mkdir()
    source = delivery(tmp_path / "in", whole=True)
    settings = ["--set", f"data.source={source}", "--set", f"data.preset='{tmp_path / 'in' / 'own.toml'}'"]
    code, said = harbor(
        "ingest", "--config", "smoke.toml", "--run", "runs/one", *settings,
        "--set", "data.max_lost_fraud_share=1.0", "--set", "data.max_quarantined_share=0.9", form=form,
    )  # fmt: skip
    told = left_behind(tmp_path / "runs")
    assert (code, shown(said)) == (0, 0), said
    assert {"report.json", "quarantine.parquet", "journal.jsonl"} <= {*told}
    assert {path: digits for path, digits in told.items() if digits} == {}
    assert pq.read_table(tmp_path / "runs/one/ingest/quarantine.parquet").num_rows >= 4 * len(FOUR)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_run_that_stops_leaves_no_card_number(harbor, tmp_path, form):
    (tmp_path / "in").mkdir()
    source = delivery(tmp_path / "in", whole=False)
    settings = ["--set", f"data.source={source}", "--set", f"data.preset='{tmp_path / 'in' / 'own.toml'}'"]
    code, said = harbor("ingest", "--config", "smoke.toml", "--run", "runs/one", *settings, form=form)
    assert (code, shown(said)) == (2, 0), said
    assert {path: digits for path, digits in left_behind(tmp_path / "runs").items() if digits} == {}


@pytest.mark.parametrize("command", ["score", "evaluate"])
@pytest.mark.parametrize(("name", "form"), [*zip(FOUR, ["text", "json", "text", "json"], strict=True)])
def test_a_command_on_a_bundle_tells_no_card_number(harbor, bundle, tmp_path, name, form, command):
    card = spelled(name)
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    path = tmp_path / f"{card}.csv"  # somebody may name a file so
    path.write_text(f"transaction_id,label,{card}\n{card},{card},{card}\nt2,0,1,{card}\n")
    arguments = {
        "score": ("--input", path, "--out", tmp_path / "scores.csv"),
        "evaluate": ("--outcomes", path),
    }[command]
    code, said = harbor(command, "--bundle", copy, *arguments, form=form)
    assert (code, shown(said)) == (2, 0), said
    assert not (tmp_path / "scores.csv").exists()


def test_what_is_planted_is_seen_where_it_is_told(harbor, tmp_path):
    (tmp_path / "in").mkdir()
    delivery(tmp_path / "in", whole=True)
    assert min(left_behind(tmp_path / "in")[name] for name in ("rows.csv", "reports.csv", "side.csv")) == 16
