"""What the sections refuse, and that reading them loads no worker."""

import subprocess
import sys
from typing import get_args

import pytest
from pydantic import ValidationError

from models.options import BoostingConfig, EmbeddingForm, StudyForm, SweepConfig, torch_smoothing


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"smoothing": (0.0, 1.0)}, r"every smoothing must be in \[0, 1\) in torch's sense, got \[1.0\]"),
        ({"smoothing": (0.5,), "convention": "non_target"}, r"got \[0.5\] \(non_target\)"),
        ({"smoothing": (0.1, 0.1)}, "smoothing must not repeat a value"),
        ({"smoothng": (0.1,)}, "Extra inputs are not permitted"),
    ],
)
def test_impossible_grids_are_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        SweepConfig(**wrong)


@pytest.mark.parametrize("form", sorted(set(get_args(StudyForm)) - set(get_args(EmbeddingForm))))
def test_a_form_of_the_study_is_no_form_to_ship_and_the_message_says_where_it_went(form):
    with pytest.raises(
        ValidationError,
        match=f"none, logit, out_of_time, aligned, aligned_logit: {form} is compared .* ablation.encoder_leak",
    ):
        BoostingConfig(embedding=form)


def test_a_form_that_is_none_at_all_is_refused_too():
    with pytest.raises(
        ValidationError, match="Input should be 'none', 'logit', 'out_of_time', 'aligned' or 'aligned_logit'"
    ):
        BoostingConfig(embedding="logits")


@pytest.mark.parametrize("form", get_args(EmbeddingForm))
def test_every_form_that_ships_is_one_of_the_study(form):
    assert BoostingConfig(embedding=form).embedding == form
    assert form in get_args(StudyForm)


def test_a_smoothing_of_the_other_class_alone_is_twice_that_of_both():
    assert torch_smoothing(0.1, "non_target") == pytest.approx(2 * torch_smoothing(0.1, "uniform"))


def test_the_sections_load_no_worker():
    asked = "import sys, models.options; print({'torch', 'xgboost', 'sklearn', 'scipy', 'numpy'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
