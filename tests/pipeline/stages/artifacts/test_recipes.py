import numpy as np

from models.losses import LossSettings
from pipeline.stages.artifacts.recipes import PLAIN, Recipe, read_recipes, write_recipes

ARMS = (
    Recipe(PLAIN, (), LossSettings()),
    Recipe("mixup + label smoothing", ("mixup", "label smoothing"), LossSettings(0.1, 3.0, "column"), "mixup"),
)
STATES = {
    arm.name: {"output_bias": np.full(2, place, np.float32), "hidden_weight": np.full((2, 3), place + 0.5, np.float32)}
    for place, arm in enumerate(ARMS)
}


def test_arms_come_back_in_order_with_their_networks(tmp_path):
    write_recipes(tmp_path, ARMS, STATES)
    found = list(read_recipes(tmp_path))
    assert tuple(recipe for recipe, _ in found) == ARMS
    for recipe, state in found:
        assert set(state) == {"output_bias", "hidden_weight"}
        for name, array in state.items():
            np.testing.assert_array_equal(array, STATES[recipe.name][name])


def test_the_tenth_arm_is_not_taken_for_the_first(tmp_path):
    arms = [Recipe(f"arm {place}", (), LossSettings()) for place in range(12)]
    states = {arm.name: {"bias": np.array([place], np.float32)} for place, arm in enumerate(arms)}
    write_recipes(tmp_path, arms, states)
    assert [float(state["bias"][0]) for _, state in read_recipes(tmp_path)] == list(range(12))
