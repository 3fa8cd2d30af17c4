"""When each setting of a sweep was best, and by what.

Legend: S setting, R setting still running, N row of valid.
"""

from collections.abc import Mapping

import numpy as np
import torch

from models.logistic import log_odds

LENGTHS = tuple(0.5**halved for halved in range(8))
"""Shares of a Newton step that are tried, until one makes nothing worse."""


def affine_log_loss(margins_N: torch.Tensor, label_N: torch.Tensor, weight_N: torch.Tensor) -> float:
    """Log loss of a setting after the affine map a·z + b of its margin that fits best.

    Newton's method on two numbers (Platt, 1999, without his prior), so that margins of any ε and r can be compared.
    Margins are standardised first, which makes ten steps plenty. A solver of its own beside
    `models.logistic.fit_logistic`, because it works on tensors of the device they were trained on; and of one setting
    at a time, because sums over several take other bits than those over one.
    """
    weight_N = weight_N.double() / weight_N.double().sum()
    z_N = margins_N.double()
    z_N = z_N - z_N.mean()
    z_N = z_N / z_N.std().clamp_min(1e-12)
    slope, shift = 0.1, float(log_odds(float(weight_N @ label_N.double())))
    loss = _log_loss(z_N, label_N, weight_N, slope, shift)
    for _ in range(25):
        slope_step, shift_step = _newton_step(z_N, label_N, weight_N, slope, shift)
        for length in LENGTHS:
            trial = _log_loss(z_N, label_N, weight_N, slope + length * slope_step, shift + length * shift_step)
            if trial <= loss:
                break
        else:
            break
        slope, shift = slope + length * slope_step, shift + length * shift_step
        gain, loss = loss - trial, trial
        if gain < 1e-9:
            break
    return loss


def _log_loss(z_N: torch.Tensor, label_N: torch.Tensor, weight_N: torch.Tensor, slope: float, shift: float) -> float:
    mapped_N = slope * z_N + shift
    return float((torch.nn.functional.softplus(mapped_N) - label_N * mapped_N) @ weight_N)


def _newton_step(
    z_N: torch.Tensor, label_N: torch.Tensor, weight_N: torch.Tensor, slope: float, shift: float
) -> tuple[float, float]:
    probability_N = torch.sigmoid(slope * z_N + shift)
    error_N = (probability_N - label_N) * weight_N
    curve_N = probability_N * (1 - probability_N) * weight_N
    gradient_slope, gradient_shift = float(error_N @ z_N), float(error_N.sum())
    weighted_N = curve_N * z_N
    # a ridge far below any real curvature keeps a separable valid fold from a singular step
    slope_slope, slope_shift = float(weighted_N @ z_N) + 1e-9, float(weighted_N.sum())
    shift_shift = float(curve_N.sum()) + 1e-9
    determinant = slope_slope * shift_shift - slope_shift**2
    slope_step = -(shift_shift * gradient_slope - slope_shift * gradient_shift) / determinant
    shift_step = -(slope_slope * gradient_shift - slope_shift * gradient_slope) / determinant
    return slope_step, shift_step


class BestSoFar:
    """The best epoch of each setting, its weights, and who is still running.

    Args:
        settings: how many there are.
        patience: epochs without a better one after which a setting stops.
        ends_S: epochs after which settings stop whatever came of them; None where patience alone decides.
    """

    def __init__(self, settings: int, *, patience: int, ends_S: np.ndarray | None = None) -> None:
        self.value_S = np.full(settings, np.inf)
        self.epoch_S = np.zeros(settings, dtype=np.int64)
        self.running_S = np.ones(settings, dtype=bool)
        self.last_epoch_S = np.zeros(settings, dtype=np.int64)
        self.ruled_out_S = np.zeros(settings, dtype=np.int64)
        """The epoch after which a setting was ruled out; 0 where it was not."""
        self.arrays: dict[str, np.ndarray] = {}
        self._patience, self._ends_S = patience, np.full(settings, np.inf) if ends_S is None else ends_S

    def update(self, epoch: int, value_R: np.ndarray, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes note of an epoch (from 1) of the settings that are running.

        `arrays` are their weights and valid margins of now, [R, ...]; those of improved settings are kept.
        """
        running = np.flatnonzero(self.running_S)
        if not self.arrays:
            self.arrays = {name: array.copy() for name, array in arrays.items()}
        improved_R = value_R < self.value_S[running]
        better = running[improved_R]
        for name, array in arrays.items():
            self.arrays[name][better] = array[improved_R]
        self.last_epoch_S[running] = epoch
        self.value_S[better], self.epoch_S[better] = value_R[improved_R], epoch
        self.running_S &= (epoch - self.epoch_S < self._patience) & (epoch < self._ends_S)

    def rule_out(self, out_S: np.ndarray, *, epoch: int) -> None:
        """Stops settings that cannot win any more; one that has stopped by itself stays what it is."""
        stopped_S = self.running_S & out_S
        self.ruled_out_S[stopped_S] = epoch
        self.running_S &= ~stopped_S
