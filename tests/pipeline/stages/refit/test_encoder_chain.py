"""A booster looks through the newest network that is older than the rows, and through none that learned from them."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from features.encode import Encoder
from features.vocabulary import Vocabulary
from models.losses import LossSettings
from models.network import margins
from pipeline.stages.artifacts.model_files import load_models
from pipeline.stages.refit.encoder_chain import EncoderChain, SeenNetwork, network_until
from pipeline.storage.content import read_table

NOTHING = SimpleNamespace(vocabularies=())


def network(until):
    return SeenNetwork(until, {"output_bias": np.array([0.0, float(until)], np.float32)}, LossSettings(), NOTHING)


CHAIN = EncoderChain(tuple(network(until) for until in (30, 10, 20)))


def fitted(moment):
    return {"fitted": moment}


def until(border, *, tolerance=10, kept=None):
    asked = network_until(CHAIN, encoder=NOTHING, loss=LossSettings(), tolerance=tolerance, fit=fitted, kept=kept)
    return asked(border)


@pytest.mark.parametrize(("border", "found"), [(20, 20), (29, 20), (30, 30), (40, 30)])
def test_the_newest_network_that_saw_nothing_later_is_taken(border, found):
    assert until(border)["output_bias"][1] == found


def test_one_is_fitted_where_all_are_too_old_or_too_young_and_only_once():
    kept = {}
    assert until(41, kept=kept) == {"fitted": 41}
    assert until(9, kept=kept) == {"fitted": 9}
    kept[9]["fitted"] = "before"
    assert until(9, kept=kept) == {"fitted": "before"}
    assert kept.keys() == {41, 9}


def test_a_network_says_the_same_of_rows_that_another_encoder_coded(small_run):
    models = load_models(small_run, posterior_floor=1e-3)
    own = models.encoder
    turned = tuple(
        Vocabulary({v: each.size - c for v, c in each.codes.items()}, each.size) for each in own.vocabularies
    )
    other: Encoder = replace(own, vocabularies=turned)
    table = read_table(small_run / "features" / "features.parquet").slice(0, 500)
    head = models.heads["mlp"]
    state = SeenNetwork(0, head.state, head.loss, own).read_with(other, head.loss)
    np.testing.assert_allclose(margins(state, other.apply(table)), margins(head.state, own.apply(table)), atol=1e-5)


def test_another_ratio_of_class_weights_moves_the_margin_by_its_logarithm():
    moved = network(0).read_with(NOTHING, LossSettings(ratio=4.0))["output_bias"]
    assert moved[1] - moved[0] == pytest.approx(np.log(4.0))
