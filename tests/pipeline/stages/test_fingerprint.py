"""A stage runs again when what its output depends on changed, and the part that changed has a name."""

import pytest

from pipeline.stages import STAGES
from pipeline.stages.fingerprint import Fingerprint, stage_fingerprint
from pipeline.storage.done import write_done
from tests.fixtures.registered import settings_of
from tests.oracles.bad_input import csv, good_rows, text

INGEST, FEATURES, *_ = STAGES


def test_a_fingerprint_follows_from_its_parts_and_not_from_their_order():
    first, second = Fingerprint.of({"a": 1, "b": [2]}), Fingerprint.of({"b": [2], "a": 1})
    assert first.digest == second.digest != Fingerprint.of({"a": 1, "b": [3]}).digest


def test_what_differs_is_told_by_name():
    now, before = Fingerprint.of({"a": 1, "b": 2, "c": 3}), Fingerprint.of({"a": 1, "b": 5, "d": 3})
    assert now.difference(before.parts) == "changed: b, c, d"
    assert now.difference(now.parts) == "changed"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (["labels.delay='9d'"], "changed: labels.delay"),
        (["split.gap='8d'"], "changed: split.gap"),
        (["train.epochs=7"], "changed"),
    ],
)
def test_only_the_stages_own_sections_count(tmp_path, changed, told):
    before = stage_fingerprint(tmp_path, FEATURES, settings_of(), None)
    assert stage_fingerprint(tmp_path, FEATURES, settings_of(*changed), None).difference(before.parts) == told


def test_an_earlier_stage_counts_by_the_files_that_it_left(tmp_path):
    (tmp_path / "ingest").mkdir()
    digests = []
    for content in ("one", "one", "two"):
        (tmp_path / "ingest" / "report.json").write_text(content)
        write_done(tmp_path / "ingest", fingerprint=f"run {len(digests)}", details={})
        digests.append(stage_fingerprint(tmp_path, FEATURES, settings_of(), None))
    assert digests[0].digest == digests[1].digest
    assert digests[2].difference(digests[1].parts) == "changed: files of ingest"


def test_a_source_file_counts_by_its_content(tmp_path):
    config = settings_of(f"data.source='{csv(tmp_path, text(good_rows()))}'")
    before = stage_fingerprint(tmp_path, INGEST, config, None)
    csv(tmp_path, text(good_rows()[1:]))
    after = stage_fingerprint(tmp_path, INGEST, config, None)
    assert after.difference(before.parts) == "changed: input data.source data.csv"


def test_another_moment_is_another_run(tmp_path):
    before = stage_fingerprint(tmp_path, FEATURES, settings_of(), None)
    assert stage_fingerprint(tmp_path, FEATURES, settings_of(), 5).difference(before.parts) == "changed: as_of"
