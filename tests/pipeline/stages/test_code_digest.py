"""What code a stage depends on follows from what it imports."""

import shutil
from importlib import resources

import pytest

from pipeline.stages import STAGES
from pipeline.stages import code_digest as code
from pipeline.stages.code_digest import PACKAGES, code_digest, imported_modules
from pipeline.stages.evaluate.make_evaluation import make_evaluation


@pytest.fixture
def copied_tree(tmp_path, monkeypatch):
    """The source in a place where a test may edit it; digests are taken there."""
    for package in PACKAGES:
        shutil.copytree(str(resources.files(package)), tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "_package_folder", lambda package: tmp_path / package)
    code._digest.cache_clear()
    yield tmp_path
    code._digest.cache_clear()


def stage_digests():
    code._digest.cache_clear()
    return {stage.name: code_digest(stage.work) for stage in STAGES}


def test_imports_are_found_at_the_top_and_inside_functions():
    source = "import numpy\nfrom models.losses import posterior\n\ndef f():\n    import evaluation.render.page\n"
    assert list(imported_modules(source)) == ["models.losses", "models.losses.posterior", "evaluation.render.page"]


def test_every_stage_depends_on_code_of_its_own():
    assert len({code_digest(stage.work) for stage in STAGES}) == len(STAGES)


def test_a_changed_file_deep_below_changes_the_digest(monkeypatch):
    before = code_digest(make_evaluation)
    code._digest.cache_clear()
    real = code.sha256_file
    monkeypatch.setattr(code, "sha256_file", lambda path: "other" if path.name == "ranking.py" else real(path))
    changed = code_digest(make_evaluation)
    code._digest.cache_clear()
    assert changed != before


def test_another_choice_of_the_rows_that_a_stage_reads_is_other_code_of_every_stage(copied_tree):
    before = stage_digests()
    file = copied_tree / "pipeline" / "stages" / "stage.py"
    source = file.read_text()
    file.write_text(source.replace('pc.field("fold") == fold', 'pc.field("fold") != fold'))
    after = stage_digests()
    assert file.read_text() != source
    assert [name for name in before if before[name] == after[name]] == []


def test_another_form_of_a_report_is_other_code_of_the_stages_that_read_it(copied_tree):
    before = stage_digests()
    with (copied_tree / "pipeline" / "stages" / "artifacts" / "calibrate_report.py").open("a") as stream:
        stream.write("CHANGED = True\n")
    after = stage_digests()
    assert [name for name in before if before[name] != after[name]] == ["calibrate", "evaluate"]


def test_another_word_to_tracking_or_the_terminal_is_no_other_code(copied_tree):
    before = stage_digests()
    for name in ("tracking/journal", "tracking/stage_log", "process/reporter", "tracking/replay"):
        with (copied_tree / "pipeline" / f"{name}.py").open("a") as stream:
            stream.write("CHANGED = True\n")
    assert stage_digests() == before


def test_code_without_a_file_has_a_digest_too():
    assert code_digest(len) == code_digest(print)
