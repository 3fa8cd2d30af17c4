"""Where networks and boosters are fitted: on the CPU, or on a GPU where one is at hand."""

import torch
import xgboost

from models.errors import InputError


def chosen_device(name: str) -> torch.device:
    """The device that `auto`, `cpu` or `cuda` means here.

    Raises:
        InputError: cuda is asked for and this torch sees none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("train.device is 'cuda', but torch sees no GPU here; 'auto' takes one where there is one")
    return torch.device("cuda" if name == "cuda" or (name == "auto" and torch.cuda.is_available()) else "cpu")


def booster_device(name: str) -> str:
    """Where a booster is fitted when networks are fitted on `name`: on the same GPU, if XGBoost was built for one.

    Raises:
        InputError: as `chosen_device`.
    """
    built = bool(xgboost.build_info().get("USE_CUDA"))
    return "cuda" if built and chosen_device(name).type == "cuda" else "cpu"
