"""Evaluation's sections of the configuration: light to import, strict about what they hold."""

import subprocess
import sys

import pytest
from pydantic import BaseModel, ValidationError

from evaluation import options
from evaluation.options import DecisionConfig, EvaluationConfig, GateConfig

SECTIONS = [each for each in vars(options).values() if isinstance(each, type) and issubclass(each, BaseModel)]
WORKERS = ("numpy", "scipy", "sklearn", "matplotlib", "pandas")


def test_loading_the_options_imports_no_worker():
    code = f"import sys, evaluation.options; print([name for name in {WORKERS} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("section", [each for each in SECTIONS if each is not BaseModel], ids=lambda s: s.__name__)
def test_a_section_refuses_unknown_keys_and_explains_itself(section):
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        section(unheard_of=1)
    assert len(section.__doc__) > 40
    assert all(field.description for field in section.model_fields.values())


def test_a_bootstrap_takes_its_budget_and_bins_from_the_evaluation():
    config = EvaluationConfig(resamples=300, budget=0.02, bins=20)
    assert (config.bootstrap().resamples, config.bootstrap(0).resamples) == (300, 0)
    assert (config.bootstrap().budget, config.bootstrap().bins) == (0.02, 20)


def test_the_band_of_the_gate_is_its_two_limits():
    assert GateConfig(observed_expected_low=0.8, observed_expected_high=1.3).band == (0.8, 1.3)


@pytest.mark.parametrize("impossible", [{"alert_cost": -1}, {"alert_budget": 0}, {"precision_floor": 1.5}])
def test_an_impossible_decision_is_refused(impossible):
    with pytest.raises(ValidationError, match="Input should be"):
        DecisionConfig(**impossible)
