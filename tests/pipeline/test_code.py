"""What code a stage depends on follows from what it imports."""

from pipeline.code import code_digest, imported_modules
from pipeline.stages import STAGES
from pipeline.stages.evaluate import make_evaluation


def test_imports_are_found_at_the_top_and_inside_functions():
    source = "import numpy\nfrom models.losses import posterior\n\ndef f():\n    import evaluation.page\n"
    assert list(imported_modules(source)) == ["models.losses", "models.losses.posterior", "evaluation.page"]


def test_every_stage_depends_on_code_of_its_own():
    assert len({code_digest(stage.work) for stage in STAGES}) == len(STAGES)


def test_a_changed_file_deep_below_changes_the_digest(monkeypatch):
    from pipeline import code

    before = code_digest(make_evaluation)
    code._digest.cache_clear()
    real = code.sha256_file
    monkeypatch.setattr(code, "sha256_file", lambda path: "other" if path.name == "ranking.py" else real(path))
    changed = code_digest(make_evaluation)
    code._digest.cache_clear()
    assert changed != before


def test_code_without_a_file_has_a_digest_too():
    assert code_digest(len) == code_digest(print)
