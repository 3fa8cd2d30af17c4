"""From a run's models to the parts of a graph."""

from dataclasses import replace

import pytest

from models.options import BoostingConfig
from pipeline.stages.artifacts.model_files import load_calibration, load_models
from pipeline.stages.export.graph_parts import BOOSTER_FORMS, graph_parts
from pipeline.storage.content import read_json


@pytest.fixture(scope="module")
def models(small_run):
    return load_models(small_run, posterior_floor=1e-3)


def test_every_candidate_of_the_run_is_in_the_graph(models, small_run):
    calibration = load_calibration(small_run)
    parts = graph_parts(models, calibration, shipped="mlp")
    assert set(parts.candidates) == {*calibration.calibrators, "hybrid"}
    assert (parts.shipped, parts.posterior_floor) == ("mlp", models.posterior_floor)
    assert parts.networks["mlp"].loss == models.heads["mlp"].loss


def test_tails_begin_at_a_fiftieth_of_trains_fraud_rate_where_that_is_less_than_configured(models, small_run):
    prevalence = read_json(small_run / "train" / "sweep.json")["prevalence"]
    assert models.posterior_floor == prevalence / 50 < 1e-3
    assert load_models(small_run, posterior_floor=1e-5).posterior_floor == 1e-5


def test_a_booster_without_an_encoder_gets_none(models, small_run):
    inputs = models.booster_inputs
    bare = replace(models, booster_inputs=replace(inputs, encoder=replace(inputs.encoder, form="none")))
    calibration = load_calibration(small_run)
    with_encoder, without = (
        graph_parts(each, calibration, shipped="mlp").boosters["xgboost"] for each in (models, bare)
    )
    assert (with_encoder.form, without.form) == ("logit", "none")
    assert with_encoder.encoder is inputs.encoder.state
    assert without.encoder is None


def test_small_categories_of_the_booster_are_those_of_the_graph(models, small_run):
    found = graph_parts(models, load_calibration(small_run), shipped="mlp").boosters["xgboost"].one_hot
    assert {each.name: each.size for each in found} == {
        name: size
        for name, size in zip(models.encoder.categorical, models.encoder.sizes, strict=True)
        if size <= BoostingConfig().one_hot
    }
    assert len(found) >= 3
    assert models.booster.columns == models.booster_inputs.names


def test_a_shipped_candidate_that_the_run_does_not_have_is_refused(models, small_run):
    with pytest.raises(ValueError, match=r"the shipped candidate must be one of .* got 'forest'"):
        graph_parts(models, load_calibration(small_run), shipped="forest")


def test_forms_that_give_a_margin_and_those_that_give_an_embedding_are_told_apart():
    assert {name for name, form in BOOSTER_FORMS.items() if form == "logit"} == {"logit", "out_of_time"}
    assert BOOSTER_FORMS["pca"] == BOOSTER_FORMS["aligned"] == "reduced"
    assert BOOSTER_FORMS["aligned_logit"] == "logit_reduced"
