import numpy as np
import pytest
import torch

from models.losses import LossSettings, loss_table
from models.network import Architecture, initial_arrays
from models.training.optimizer import AdamState
from models.training.shard import Batch, Codes, Mixing, Shard, StepSettings

CPU = torch.device("cpu")
ARCHITECTURE = Architecture(
    knots=((), ()),
    center=(0.0, 0.0),
    scale=(1.0, 1.0),
    cardinalities=(4,),
    lookup_rows=(4,),
    lookup_widths=(2,),
    embedding=8,
    hidden=4,
)
STATES = [initial_arrays(ARCHITECTURE, rng=np.random.default_rng(seed)) for seed in (1, 2)]
ARRAYS = {name: np.stack([state[name] for state in STATES]) for name in STATES[0]}
TABLE = loss_table([LossSettings(), LossSettings(ratio=50)], prevalence=0.1, device=CPU)
BEGUN = AdamState.begun({name: torch.tensor(array) for name, array in ARRAYS.items()})
LABELS = torch.tensor([0.0, 1, 0, 1, 0, 0])


def batch(*, codes=(1, 1, 2, 0, 2, 1), weight=None):
    numeric = torch.linspace(-2, 2, 24).reshape(6, 4)
    column = Codes(*torch.unique(torch.tensor(codes), return_inverse=True))
    weight = torch.ones(6) if weight is None else weight
    return Batch(numeric, [column], torch.stack([1 - LABELS, LABELS], 1), weight, None, None, None)


def moved(given):
    """The weights after one step, less those before it: [S, ...] by name."""
    settings = StepSettings(6, 0.0, 0.0, 1e9, 0.0, 0.0, low_precision=False)
    shard = Shard(BEGUN, settings, table=TABLE, device=CPU)
    shard.step(given, learning_rate=0.01)
    return {name: weight.numpy() - ARRAYS[name] for name, weight in shard.state.weights.items()}


def test_only_the_rows_of_codes_in_the_batch_move():
    change = np.abs(moved(batch())["lookup_0"]).max(axis=(0, 2))
    assert (change[:3] > 0).all()
    assert change[3] == 0


def test_a_row_without_weight_might_as_well_not_be_there():
    weight = torch.tensor([1.0, 1, 1, 1, 0, 0])
    other = batch(codes=(1, 1, 2, 0, 3, 3), weight=weight)
    one, two = moved(batch(weight=weight)), moved(other)
    for name in one:
        if name != "lookup_0":
            np.testing.assert_allclose(one[name], two[name], atol=1e-7)


def norms(clip):
    """Norm of each setting's gradient after a step [S], over everything that it moves."""
    shard = Shard(BEGUN, StepSettings(6, 0.0, 0.0, clip, 0.0, 0.0, low_precision=False), table=TABLE, device=CPU)
    shard.step(batch(), learning_rate=0.01)
    return torch.stack([part.squared_norms() for part in (shard._dense, *shard._lookups)]).sum(0).sqrt()


def test_each_setting_is_clipped_by_its_own_norm_over_layers_and_lookups():
    free = norms(clip=1e9)
    between = float(free.mean())
    assert free.min() < between < free.max()
    np.testing.assert_allclose(norms(clip=between), free.clamp_max(between), rtol=1e-5)


def test_settings_go_on_from_where_they_stood_as_if_they_had_never_been_parted():
    settings = StepSettings(6, 0.1, 0.0, 1.0, 0.0, 0.0, low_precision=False)
    whole = Shard(BEGUN, settings, table=TABLE, device=CPU)
    whole.step(batch(), learning_rate=0.01)
    parts = [
        Shard(whole.state.of(slice(place, place + 1)), settings, table=TABLE.part(slice(place, place + 1)), device=CPU)
        for place in (0, 1)
    ]
    for shard in (whole, *parts):
        shard.step(batch(codes=(3, 3, 2, 0, 2, 1)), learning_rate=0.02)
    joined = AdamState.joined([part.state for part in parts])
    for one, other in (
        (whole.state.weights, joined.weights),
        (whole.state.means, joined.means),
        (whole.state.squares, joined.squares),
    ):
        for name, tensor in one.items():
            np.testing.assert_array_equal(tensor, other[name], err_msg=name)
    assert whole.state.steps == joined.steps == 2


@pytest.mark.parametrize(("share", "expected"), [(1.0, [1, 2, 3]), (0.0, [3, 1, 2]), (0.75, [1.5, 1.75, 2.75])])
def test_mixup_is_a_share_of_the_row_and_the_rest_of_its_partner(share, expected):
    mixing = Mixing(share, torch.tensor([2, 0, 1]))
    assert mixing.mixed(torch.tensor([1.0, 2.0, 3.0])).tolist() == pytest.approx(expected)
