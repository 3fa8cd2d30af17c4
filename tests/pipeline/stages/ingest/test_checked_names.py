"""Names that mean nothing, and names that are Harbor's own, are refused before any work, with what may be meant."""

from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.process.reporter import SilentReporter
from pipeline.run import run_stages
from pipeline.runs.settings import RunSettings
from pipeline.stages import STAGES
from pipeline.stages.ingest.checked_names import OWN, check_names
from pipeline.stages.ingest.preset_files import preset_path
from tests.oracles.mistaken_names import MISTAKEN, own_preset

SHIPPED = sorted(path.stem for path in preset_path("harbor").parent.glob("*.toml"))


@pytest.mark.parametrize("preset", SHIPPED)
def test_every_shipped_preset_passes_with_the_default_configuration(preset):
    check_names(load_config(None, assignments=[f"data.preset={preset}"], environment={}))


@pytest.mark.parametrize("name", ["harbor", "smoke", "retrain", "handbook", "ulb"])
def test_every_shipped_configuration_passes(name):
    check_names(load_config(name, environment={}))


@pytest.mark.parametrize(("assignment", "said"), MISTAKEN, ids=lambda each: str(each)[:40])
def test_a_name_that_means_nothing_is_refused_with_the_one_that_may_be_meant(assignment, said):
    with pytest.raises(ValueError, match="fault") as refused:
        check_names(load_config(None, assignments=[assignment], environment={}))
    assert said in str(refused.value)


@pytest.mark.parametrize("name", [name for name in OWN if name not in ("amount", "label", "event_time")])
@pytest.mark.parametrize("kind", ["categorical", "numeric"])
def test_a_column_of_the_users_is_not_called_like_one_of_harbors_own(name, kind):
    config = load_config(None, assignments=[f"data.{kind}=['{name}']"], environment={})
    with pytest.raises(ValueError, match=rf"'{name}'"):
        check_names(config)


@pytest.mark.parametrize("name", ["amount", "hour", "card_7d_count", "merchant_7d_fraud_rate", "merchant_id"])
def test_a_column_of_the_users_is_not_called_like_a_feature(name):
    config = load_config(None, assignments=[f"data.numeric=['{name}']"], environment={})
    with pytest.raises(ValueError, match=name):
        check_names(config)


def test_every_fault_is_told_at_once(tmp_path: Path):
    preset = own_preset(tmp_path, refund="probability")
    assignments = [f"data.preset='{preset}'", "features.entities=['crd']", "boosting.monotone={amuont=1}"]
    with pytest.raises(ValueError, match="3 faults in names") as refused:
        check_names(load_config(None, assignments=assignments, environment={}))
    for said in ("'probability'", "'crd'", "did you mean 'amount'"):
        assert said in str(refused.value)


def test_a_run_is_refused_before_anything_is_written(tmp_path: Path):
    config = load_config("smoke", assignments=["features.entities=['card','merchnt']"], environment={})
    with pytest.raises(ValueError, match="did you mean 'merchant'"):
        run_stages(tmp_path / "run", RunSettings(config, None), STAGES, force=None, reporter=SilentReporter())
    assert not (tmp_path / "run").exists()
