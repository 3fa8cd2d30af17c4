from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from pipeline.storage.errors import INPUT_ERRORS
from tests.fixtures.ingested import Ingested, ingested
from tests.oracles.bad_input import CASES, Case, Spoilt


def outcome(spoilt: Spoilt) -> Ingested | str:
    """What the job left behind, or the message with which it stopped."""
    as_of = None if spoilt.as_of is None else pd.Timestamp(spoilt.as_of).value // 1000
    try:
        return ingested(
            spoilt.source if isinstance(spoilt.source, list | Path) else str(spoilt.source),
            as_of=as_of,
            **spoilt.settings,
        )
    except INPUT_ERRORS as error:
        return str(error)


def end(result: Ingested | str) -> str:
    if isinstance(result, str):
        return "stopped"
    return "quarantined" if result.quarantine.num_rows else "accepted"


@pytest.fixture(scope="module")
def ends(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """How each case ended, summed up in one line at the end."""
    seen: dict[str, str] = {}
    yield seen
    counts = ", ".join(f"{list(seen.values()).count(kind)} {kind}" for kind in ("accepted", "quarantined", "stopped"))
    silent = sum(seen.get(case.name, case.end) != case.end for case in CASES)
    line = f"\nbad input: {len(seen)} / {len(CASES)} cases have exactly one end ({counts}), {silent} silent"
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(line)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_ends_as_the_catalogue_says(case: Case, tmp_path: Path, ends: dict[str, str]):
    spoilt = case.make(tmp_path)
    result = outcome(spoilt)
    ends[case.name] = end(result)
    assert ends[case.name] == case.end, result
    if isinstance(result, str):
        assert any(told in result for told in case.told.split("|")), result
        return
    report = result.report
    assert report["rows_in"] == report["accepted"] + report["quarantined"]
    assert (report["accepted"], report["quarantined"]) == (result.table.num_rows, result.quarantine.num_rows)
    if case.end == "quarantined":
        assert sorted(result.quarantine["row"].to_pylist()) == list(spoilt.rows)
        assert any(case.told in reason for reason in result.reasons), result.reasons
        assert report["reasons"] == {reason: result.reasons.count(reason) for reason in sorted(set(result.reasons))}
    else:
        assert case.told in str(report)


def test_the_catalogue_names_each_case_once_and_says_how_it_is_told():
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(case.told for case in CASES if case.end != "accepted")
