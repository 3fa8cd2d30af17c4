"""Configuration: what a file leaves out has a default, what it gets wrong is said by name, all at once."""

import pytest

from pipeline.config import load_config, override_config

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
    assert "https://***@mlflow.example" in str(caught.value)
    user = load_config(None, assignments=["tracking.uri='postgresql://ann@db/mlflow'"], environment={})
    assert user.tracking.uri == "postgresql://ann@db/mlflow"
