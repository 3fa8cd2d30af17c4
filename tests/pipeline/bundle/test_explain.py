"""`harbor explain`: the highest scores of a file, each with its reasons, beside what the bundle says of it."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.bundle.explain import ExplainOptions, explain_file
from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.scorer import loaded_scorer
from tests.fixtures.bundles import reason_groups_of
from tests.oracles.python_path import Small


@pytest.fixture(scope="module")
def rows(case: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    pq.write_table(case.table.slice(0, 200), path)
    return path


@pytest.fixture(scope="module")
def explained(reasoned: Path, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    out = tmp_path_factory.mktemp("out") / "reasons.parquet"
    done: list[tuple[float, float]] = []
    found = explain_file(reasoned, rows, out, options=ExplainOptions(0.1), progress=lambda *each: done.append(each))
    assert (found.rows, found.explained, found.remarks) == (200, 20, ())
    assert done == [(number, 20) for number in range(1, 21)]
    return pq.read_table(out)


def test_the_highest_scores_are_explained_the_highest_first(case: Small, reasoned: Path, explained: pa.Table) -> None:
    scores = loaded_scorer(checked_bundle(reasoned)).probabilities(case.table.slice(0, 200))["probability"]
    order = np.argsort(-scores, kind="stable")[:20]
    assert explained["transaction_id"].to_pylist() == case.table["transaction_id"].take(pa.array(order)).to_pylist()
    np.testing.assert_allclose(explained["probability"].to_numpy(), scores[order], atol=1e-9)
    odds = explained["log_odds"].to_numpy()
    np.testing.assert_allclose(odds, np.log(scores[order] / (1 - scores[order])), atol=1e-9)


def test_weights_fall_and_sum_to_no_more_than_what_raised_the_score(explained: pa.Table) -> None:
    weights = np.column_stack([explained[f"weight_{n}"].to_numpy(zero_copy_only=False) for n in range(1, 5)])
    assert (np.diff(weights, axis=1)[~np.isnan(np.diff(weights, axis=1))] <= 1e-6).all()
    assert (weights[~np.isnan(weights)] > 0).all()
    assert not np.isnan(weights[:, 0]).any()


def test_a_reason_shows_the_rows_own_numbers_and_the_bundle_it_is_from(
    case: Small, reasoned: Path, explained: pa.Table
) -> None:
    digest = hashlib.sha256((reasoned / "manifest.json").read_bytes()).hexdigest()
    assert set(explained["bundle"].to_pylist()) == {digest}
    assert [each["reason_2"] for each in explained.to_pylist()].count("A_FEW") > 5
    for shown in (
        each for each in explained.to_pylist() if each["reason_2"] == "A_FEW" and each["value_2"] is not None
    ):
        row = case.table.slice(shown["transaction_id"], 1).to_pylist()[0]
        assert shown["value_2"] == pytest.approx(2 * row["number_1"])
        assert shown["sentence_2"].startswith(f"Twice the number is {2 * row['number_1']:,.1f}; ")
        assert shown["counterfactual"].startswith("Had the columns of B been as in ordinary payments")


def test_csv_and_one_reference_will_do(reasoned: Path, rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "reasons.csv"
    options = ExplainOptions(0.001, references=1, threads=1)
    assert explain_file(reasoned, rows, out, options=options).explained == 1
    header, line = out.read_text().splitlines()
    assert header.startswith('"transaction_id","probability","log_odds","base","reason_1"')
    assert line


@pytest.mark.parametrize("share", [0, -1, 1.01, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="--share must be above 0 and at most 1, got"):
        ExplainOptions(share)


def test_a_bundle_without_reasons_and_references_beyond_it_write_nothing(
    bundle: Path, reasoned: Path, rows: Path, tmp_path: Path
) -> None:
    out = tmp_path / "reasons.parquet"
    with pytest.raises(ValueError, match="must have reasons to explain by, but it was exported without any"):
        explain_file(bundle, rows, out, options=ExplainOptions())
    with pytest.raises(ValueError, match="references must be from 1 to 16, as the bundle has, got 17"):
        explain_file(reasoned, rows, out, options=ExplainOptions(references=17))
    with pytest.raises(ValueError, match=r"--out: reasons must go to another file than the rows"):
        explain_file(reasoned, rows, rows, options=ExplainOptions())
    assert not out.exists()


def test_the_command_says_how_many_and_ends_with_2_on_a_wrong_option(harbor, reasoned, rows, tmp_path):  # type: ignore[no-untyped-def]
    out = tmp_path / "reasons.parquet"
    code, said = harbor("explain", "--bundle", reasoned, "--input", rows, "--out", out, "--share", "0.02")
    assert (code, "4 of 200 rows explained" in said) == (0, True)
    code, said = harbor("explain", "--bundle", reasoned, "--input", rows, "--out", out, "--share", "2")
    assert (code, "--share must be above 0" in said) == (2, True)


def test_no_file_has_no_reasons_for_nothing(case: Small, reasoned: Path, tmp_path: Path) -> None:
    empty = tmp_path / "rows.parquet"
    pq.write_table(case.table.slice(0, 0), empty)
    assert explain_file(reasoned, empty, tmp_path / "out.parquet", options=ExplainOptions()).explained == 0
    codes = {group["code"] for group in reason_groups_of(case)}
    assert {group["code"] for group in json.loads((reasoned / "reasons.json").read_text())["groups"]} == codes
