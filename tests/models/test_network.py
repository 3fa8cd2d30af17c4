import numpy as np
import pytest
import torch
from safetensors.numpy import load, save

from models.network import (
    Architecture,
    constant_arrays,
    embeddings,
    folded_codes,
    initial_arrays,
    margins,
    network_architecture,
)
from models.rows import taken_rows
from tests.fixtures.made_rows import CARDINALITIES, made_rows, made_scaling
from tests.oracles import plain_network

ROWS = made_rows(50, seed=1)


def architecture(**keywords):
    return network_architecture(made_scaling(ROWS), **({"cardinalities": CARDINALITIES} | keywords))


def state_of(made):
    return constant_arrays(made) | initial_arrays(made, rng=np.random.default_rng(0))


@pytest.mark.parametrize("cardinalities", [CARDINALITIES, ()])
def test_margins_are_those_of_a_plain_torch_network(cardinalities):
    made = architecture(cardinalities=cardinalities)
    state = state_of(made)
    plain = plain_network.PlainNetwork(state)
    inputs = torch.from_numpy(plain_network.numeric_inputs(ROWS.numeric, made))
    logits = plain(inputs, torch.from_numpy(ROWS.categorical.astype(np.int64))).detach().numpy()
    np.testing.assert_allclose(margins(state, ROWS), logits[:, 1] - logits[:, 0], atol=2e-6)


def test_the_shared_embedding_is_128_wide_with_and_without_categories():
    for made in (architecture(), architecture(cardinalities=())):
        embedding = embeddings(state_of(made), ROWS)
        assert embedding.shape == (50, 128)
        assert (embedding >= 0).all()


def test_a_row_gets_the_same_margin_alone_and_among_others():
    state = state_of(architecture())
    together = margins(state, ROWS)
    alone = np.concatenate([margins(state, taken_rows(ROWS, np.array([row]))) for row in range(50)])
    np.testing.assert_allclose(alone, together, atol=1e-6)
    assert margins(state, taken_rows(ROWS, np.arange(0))).shape == (0,)


def test_missing_and_extreme_numbers_give_finite_margins():
    rows = taken_rows(ROWS, np.arange(3))
    rows.numeric[:] = np.array([[np.nan], [3e38], [-3e38]], dtype=np.float32)
    assert np.isfinite(margins(state_of(architecture()), rows)).all()


@pytest.mark.parametrize("form", ["piecewise", "scaled", "both"])
def test_architecture_and_state_survive_their_files(form):
    made = architecture(numeric_form=form, max_bins=3, lookup_rows=(7, 10))
    again = Architecture.from_json(made.to_json())
    assert again == made
    state = state_of(made)
    np.testing.assert_array_equal(margins(load(save(state)), ROWS), margins(state, ROWS))


def test_fewer_bins_keep_the_outer_knots_and_those_of_the_highest_values():
    scaling = made_scaling(ROWS)
    thin, full = architecture(max_bins=3), architecture()
    for few, all_knots, tail in zip(thin.knots, full.knots, scaling.tails, strict=True):
        assert len(few) == 6
        assert (few[0], few[-1]) == (all_knots[0], all_knots[-1])
        assert set(np.float32(tail)) <= set(few)


def test_codes_fold_into_fewer_rows_and_the_unknown_stays_apart():
    codes = np.arange(40)[:, None]
    np.testing.assert_array_equal(folded_codes(codes, [40], [40]), codes)
    folded = folded_codes(codes, [40], [10])[:, 0]
    assert folded[0] == 0
    assert set(folded[1:]) == set(range(1, 10))


@pytest.mark.parametrize("code", [-1, 7])
def test_a_code_outside_its_vocabulary_is_refused(code):
    codes = ROWS.categorical.copy()
    codes[4, 0] = code
    with pytest.raises(ValueError, match=r"column 0: .* outside \[0, 7\)"):
        folded_codes(codes, CARDINALITIES, CARDINALITIES)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"knots": ((0.0, 1.0),), "center": (), "scale": ()}, "one entry a numeric column, got 1, 0 and 0"),
        ({"knots": (), "center": (), "scale": ()}, "at least one numeric or categorical column"),
        ({"knots": ((),), "center": (0.0,), "scale": (1.0,), "cardinalities": (3,)}, "one entry a categorical column"),
    ],
)
def test_an_architecture_that_does_not_add_up_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Architecture(**wrong)
