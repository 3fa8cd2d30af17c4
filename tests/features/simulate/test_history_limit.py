import json
from pathlib import Path

from features.simulate import history_limit as module
from features.simulate.history_limit import history_limit


def test_what_the_bench_wrote_is_read_and_nothing_is_said_before(tmp_path, monkeypatch):
    assert module.FILE.endswith(".json")
    monkeypatch.setattr(module, "FILE", "none.json")
    assert history_limit() == {}
    measured = {"text": "A booster of some rows", "average_precision": 0.5}
    (tmp_path / "some.json").write_text(json.dumps(measured), encoding="utf-8")
    monkeypatch.setattr(module.resources, "files", lambda _: Path(tmp_path))
    monkeypatch.setattr(module, "FILE", "some.json")
    assert history_limit() == measured
