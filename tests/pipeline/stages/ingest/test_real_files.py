"""Files as teams have them give the rows that they hold: what only spells otherwise loses nothing."""

from collections import Counter
from pathlib import Path

import pytest

from pipeline.storage.errors import INPUT_ERRORS
from tests.fixtures.ingested import ingested
from tests.oracles.bad_input import good_rows
from tests.oracles.real_files import ENTRIES, Entry, moments

GOOD = {
    "event_time": moments(),
    "amount": [float(row["amount"]) for row in good_rows()],
    "label": [int(row["label"]) for row in good_rows()],
}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.kind}-{entry.name}")
def test_a_file_gives_the_rows_that_it_holds(entry: Entry, tmp_path: Path):
    file = entry.make(tmp_path)
    source = file.source if isinstance(file.source, list | Path) else str(file.source)
    if file.stopped:
        with pytest.raises(INPUT_ERRORS) as stopped:
            ingested(source, **file.settings)
        assert file.stopped in str(stopped.value)
        return
    result = ingested(source, **file.settings)
    rejected = {*file.rejected} if result.report["accepted"] < len(good_rows()) else set()
    assert sorted(result.quarantine["row"].to_pylist()) == list(file.rejected)
    places = [number for number in range(1, len(good_rows()) + 1) if number not in rejected]
    for name in file.same:
        assert result.table[name].to_pylist() == [GOOD[name][number - 1] for number in places], name
    for name, values in file.values.items():
        found = dict(zip(places, result.table[name].to_pylist(), strict=True))
        assert {number: found[number] for number in values} == values
    assert file.told in str(result.report)


def test_every_kind_has_its_files():
    counted = Counter(entry.kind for entry in ENTRIES)
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
    assert {kind: counted[kind] >= 2 for kind in ("K1", "K3", "K4", "K6", "K11")} == dict.fromkeys(counted, True)
