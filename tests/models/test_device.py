import pytest
import torch
import xgboost

from models.device import booster_device, chosen_device
from models.errors import InputError


@pytest.fixture(params=[False, True], ids=["no-gpu", "gpu"])
def gpu(request, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param)
    return request.param


def test_auto_takes_a_gpu_where_there_is_one_and_cpu_never_does(gpu):
    assert chosen_device("auto").type == ("cuda" if gpu else "cpu")
    assert chosen_device("cpu").type == "cpu"


def test_a_gpu_that_is_asked_for_and_missing_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"train\.device is 'cuda', but torch sees no GPU"):
        chosen_device("cuda")


@pytest.mark.parametrize("built", [False, True])
def test_the_booster_follows_where_xgboost_was_built_for_it(gpu, built, monkeypatch):
    monkeypatch.setattr(xgboost, "build_info", lambda: {"USE_CUDA": built})
    assert booster_device("auto") == ("cuda" if gpu and built else "cpu")
    assert booster_device("cpu") == "cpu"
