"""Configuration: what a file leaves out has a default, what it gets wrong is said by name, all at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import load_config, override_config, parse_config
from tests.oracles.mistaken_names import NO_DURATIONS

SHIPPED = ("harbor.toml", "smoke.toml", "retrain.toml", "handbook.toml", "ulb.toml")


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_configuration_is_valid(name):
    assert load_config(name, environment={}) is not None


def test_a_file_gives_only_what_differs(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[train]\nepochs = 3\n")
    config = load_config(str(path), environment={})
    assert config.train.epochs == 3
    assert config.split == load_config(None, environment={}).split


def test_environment_overrides_the_file_and_assignments_override_both(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[train]\nepochs = 3\nseed = 1\n[data]\nrows = 5000\n")
    environment = {"HARBOR_TRAIN__EPOCHS": "4", "HARBOR_TRAIN__SEED": "2", "HARBOR_DEBUG": "1"}
    config = load_config(str(path), assignments=["train.seed=9"], environment=environment)
    assert (config.train.epochs, config.train.seed, config.data.rows) == (4, 9, 5000)


def test_values_are_toml_and_other_text_stands_for_itself():
    config = load_config(
        None,
        assignments=["sweep.smoothing=[0, 0.1]", "data.preset=ulb", "features.include_current=true"],
        environment={},
    )
    assert config.sweep.smoothing == (0.0, 0.1)
    assert (config.data.preset, config.features.include_current) == ("ulb", True)


def test_all_faults_are_said_at_once_with_a_guess_at_what_was_meant():
    with pytest.raises(ValueError, match=r"4 faults in the configuration") as caught:
        load_config(
            None,
            assignments=["sweep.smoothin=[0]", "train.epochs=0", "split.gap='soon'", "trian.epochs=3"],
            environment={},
        )
    message = str(caught.value)
    assert "sweep.smoothin: unknown key; did you mean 'smoothing'?" in message
    assert "trian: unknown key; did you mean 'train'?" in message
    assert "train.epochs" in message
    assert "'soon'" in message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("evaluation.alert_cost", "decision.alert_cost"),
        ("export.alert_cost", "decision.alert_cost"),
        ("export.alert_budget", "decision.alert_budget"),
        ("export.precision_floor", "decision.precision_floor"),
    ],
)
def test_a_key_of_an_earlier_release_is_refused_with_its_new_name(old, new):
    with pytest.raises(ValueError, match=f"{old}: moved to {new}"):
        load_config(None, assignments=[f"{old}=0.4"], environment={})
    section, key = new.split(".")
    assert getattr(getattr(load_config(None, assignments=[f"{new}=0.4"], environment={}), section), key) == 0.4


@pytest.mark.parametrize("assignment", ["train.epochs", "=3", "train.=3", ".epochs=3"])
def test_an_assignment_without_key_or_value_is_refused(assignment):
    with pytest.raises(ValueError, match=r"--set must be section\.key=value"):
        load_config(None, assignments=[assignment], environment={})


def test_a_missing_file_names_what_there_is():
    with pytest.raises(ValueError, match=r"must be a TOML file or one of .*harbor\.toml.* got 'nowhere\.toml'"):
        load_config("nowhere.toml", environment={})


def test_a_file_that_is_not_toml_is_named(tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text("[train\n")
    with pytest.raises(ValueError, match=r"broken\.toml must be TOML"):
        load_config(str(path), environment={})


def test_a_resolved_configuration_reads_back_as_itself():
    config = load_config("smoke.toml", environment={})
    assert type(config).model_validate(config.model_dump(mode="json")) == config
    assert override_config(config, ["train.epochs=5"], environment={}).train.epochs == 5


def test_a_password_in_the_address_is_refused_and_never_repeated():
    with pytest.raises(ValueError, match="MLFLOW_TRACKING_PASSWORD") as caught:
        load_config(None, assignments=["tracking.uri='https://ann:s3cr3t@mlflow.example'"], environment={})
    assert "s3cr3t" not in str(caught.value)
    user = load_config(None, assignments=["tracking.uri='postgresql://ann@db/mlflow'"], environment={})
    assert user.tracking.uri == "postgresql://ann@db/mlflow"


def test_a_fault_is_blamed_on_what_gave_the_value(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[train]\nepochs = 3\n")
    with pytest.raises(
        ValueError, match=r"^1 fault in --set\n  --set train\.epoch: unknown key; did you mean 'epochs'"
    ):
        load_config(str(path), assignments=["train.epoch=4"], environment={})
    with pytest.raises(ValueError, match=r"^1 fault in HARBOR_TRAIN__EPOCH\n  HARBOR_TRAIN__EPOCH train\.epoch"):
        load_config(str(path), environment={"HARBOR_TRAIN__EPOCH": "4"})
    path.write_text("[train]\nepoch = 3\n[split]\ngap = 'soon'\n")
    with pytest.raises(ValueError, match=r"^3 faults in .*mine\.toml and --set\n") as refused:
        load_config(str(path), assignments=["data.rows=x", "split.train='20d'"], environment={})
    assert "\n  train.epoch: unknown key" in str(refused.value)
    assert "\n  --set data.rows: " in str(refused.value)
    assert "\n  split: gap: must be" in str(refused.value)


def test_a_key_without_its_section_is_told_where_it_stands():
    with pytest.raises(ValueError, match=r"epochs: unknown key; did you mean 'train\.epochs'"):
        load_config(None, assignments=["epochs=3"], environment={})
    with pytest.raises(ValueError, match=r"did you mean 'data\.seed' or 'train\.seed'"):
        load_config(None, assignments=["seed=3"], environment={})


def test_a_variable_with_one_underscore_is_refused_where_it_would_set_nothing():
    with pytest.raises(ValueError, match="did you mean 'HARBOR_TRAIN__EPOCHS'"):
        load_config(None, environment={"HARBOR_TRAIN_EPOCHS": "3"})
    assert load_config(None, environment={"HARBOR_DEBUG": "1", "HARBOR_LOG_FORMAT": "json", "HARBOR_SIGN_KEY": "x"})


def test_a_mistyped_file_is_told_with_the_one_beside_it(tmp_path):
    (tmp_path / "mine.toml").touch()
    with pytest.raises(ValueError, match=r"did you mean '.*/mine\.toml'"):
        load_config(str(tmp_path / "mine.tml"), environment={})


@pytest.mark.parametrize("key", ["labels.delay", "split.gap", "split.train", "split.warmup", "data.max_silence"])
@pytest.mark.parametrize("value", NO_DURATIONS)
def test_a_duration_needs_its_unit_and_a_bound(key, value):
    with pytest.raises(ValueError, match=f"--set {key.split('.')[0]}"):
        load_config(None, assignments=[f"{key}={value}"], environment={})


def test_windows_need_units_too():
    with pytest.raises(ValueError, match="did you mean '7d'"):
        load_config(None, assignments=["features.windows=[7]"], environment={})


@given(st.lists(st.integers(1, 10**13), min_size=1, max_size=3, unique=True), st.integers(0, 10**13))
def test_every_length_of_time_that_is_written_reads_back(windows, delay):
    config = load_config(None, environment={})
    features = config.features.model_copy(update={"windows": tuple(windows)})
    labels = config.labels.model_copy(update={"delay": delay})
    changed = config.model_copy(update={"features": features, "labels": labels})
    assert parse_config(changed.model_dump(mode="json"), origin="config.json") == changed


def test_nesting_beyond_reason_is_a_value_and_no_crash():
    with pytest.raises(ValueError, match=r"train\.epochs"):
        load_config(None, assignments=["train.epochs=" + "[" * 100_000], environment={})
