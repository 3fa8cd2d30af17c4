"""The arms of the ablation: what they are, and that each is the network it would be alone."""

import numpy as np
import pytest

from models.losses import LossSettings
from models.network import network_architecture
from models.options import TrainConfig
from models.task import labelled_task
from models.training.loop import fit_networks
from pipeline.sections import AblationConfig
from pipeline.stages.artifacts.recipes import PLAIN, Recipe
from pipeline.stages.train.recipe_fits import ablation_notes, fit_recipes, recipes
from tests.fixtures.made_rows import CARDINALITIES, made_rows, made_scaling

TRAIN, VALID = made_rows(400, seed=1), made_rows(200, seed=2)
ARCHITECTURE = network_architecture(made_scaling(TRAIN), cardinalities=CARDINALITIES)
TASK = labelled_task(TRAIN, VALID, architecture=ARCHITECTURE)
TRAINING = TrainConfig(epochs=1, batch_size=128, threads=1, device="cpu", dropout=0, unknown_share=0)
ABLATION = AblationConfig(mixup=0.4)
TEACHER = np.linspace(0.01, 0.99, 400)


def fitted(*arms):
    heard = []
    states = fit_recipes(
        TASK, arms=arms, config=TRAINING, ablation=ABLATION, teacher=TEACHER, progress=lambda epoch: heard.append(epoch)
    )
    return states, len(heard)


def biases(states):
    return {name: state["output_bias"].tolist() for name, state in states.items()}


def test_every_technique_is_there_alone_and_with_smoothing():
    arms = recipes(AblationConfig(label_noise=(0.0, 0.05)), prevalence=0.02, smoothings=(0.0, 0.1))
    techniques = {arm.techniques for arm in arms}
    for name in ("class weights", "label smoothing", "focal loss", "mixup", "distillation"):
        assert (name,) in techniques
    assert [arm.name for arm in arms if arm.data.startswith("noise")] == [
        f"noise={share} ε={smoothing}" for share in ("0", "0.05") for smoothing in ("0", "0.1")
    ]
    assert len({arm.name for arm in arms}) == len(arms)
    assert arms[0] == Recipe(PLAIN, (), LossSettings())


def test_arms_of_the_same_batches_are_one_pass_and_each_is_what_it_is_alone():
    one, two = Recipe("one", (), LossSettings()), Recipe("two", (), LossSettings(0.1, 5.0))
    together, epochs = fitted(one, two)
    assert epochs == 1
    for arm in (one, two):
        alone, _ = fitted(arm)
        np.testing.assert_allclose(together[arm.name]["output_bias"], alone[arm.name]["output_bias"], atol=1e-5)


def test_a_student_learns_the_teachers_labels():
    student = Recipe("student", (), LossSettings(), "teacher")
    (peer,) = fit_networks(TASK, settings=[LossSettings()], repeats=[0], config=TRAINING, soft_labels=TEACHER)
    np.testing.assert_array_equal(fitted(student)[0]["student"]["output_bias"], peer.state["output_bias"])


def test_data_of_every_kind_makes_another_network():
    kinds = ("plain", "mixup", "teacher", "noise=0.3")
    found = biases(fitted(*(Recipe(kind, (), LossSettings(), kind) for kind in kinds))[0])
    assert len({tuple(bias) for bias in found.values()}) == len(kinds)


def test_noise_of_no_label_is_no_noise():
    found = biases(fitted(*(Recipe(kind, (), LossSettings(), kind) for kind in ("plain", "noise=0.0")))[0])
    assert found["plain"] == found["noise=0.0"]


@pytest.mark.parametrize(("mixup", "notes"), [(0.4, 1), (0.2, 0)])
def test_the_teacher_and_smoothing_twice_are_noted_under_the_ablations_name(mixup, notes):
    teacher, *twice = ablation_notes(AblationConfig(mixup=mixup, smoothing=0.1), blocks=4)
    assert teacher.startswith("ablation: distillation's teacher is the booster, each of 4 blocks of time")
    assert len(twice) == notes
    assert all(note.startswith("ablation: mixup with α = 0.4") for note in twice)
