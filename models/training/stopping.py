"""When each setting of a sweep was best, and by what.

Legend: S setting, R setting still running, N row of valid.
"""

from collections.abc import Mapping

import numpy as np
import torch

from models.logistic import log_odds


def affine_log_loss(margins_SN: torch.Tensor, label_N: torch.Tensor, weight_N: torch.Tensor) -> np.ndarray:
    """Log loss of each setting [S] after the affine map a·z + b of its margin that fits best.

    Newton's method on two numbers a setting (Platt, 1999, without his prior), so that margins of any ε and r can be
    compared. Margins are standardised first, which makes ten steps plenty. A solver of its own beside
    `models.logistic.fit_logistic`, because all settings step together, as tensors on the device they were trained on.
    """
    weight_N = weight_N.double() / weight_N.double().sum()
    z_SN = margins_SN.double()
    z_SN = z_SN - z_SN.mean(1, keepdim=True)
    z_SN = z_SN / z_SN.std(1, keepdim=True).clamp_min(1e-12)
    rate = float((weight_N * label_N).sum())
    slope_S = torch.full_like(z_SN[:, 0], 0.1)
    shift_S = torch.full_like(slope_S, float(log_odds(rate)))
    loss_S = _log_loss(z_SN, label_N, weight_N, slope_S, shift_S)
    for _ in range(25):
        slope_step_S, shift_step_S = _newton_step(z_SN, label_N, weight_N, slope_S, shift_S)
        length_S = torch.ones_like(loss_S)
        for _ in range(8):
            trial_S = _log_loss(
                z_SN, label_N, weight_N, slope_S + length_S * slope_step_S, shift_S + length_S * shift_step_S
            )
            worse_S = trial_S > loss_S
            if not bool(worse_S.any()):
                break
            length_S = torch.where(worse_S, length_S / 2, length_S)
        kept_S = torch.where(trial_S > loss_S, 0.0, length_S)
        slope_S, shift_S = slope_S + kept_S * slope_step_S, shift_S + kept_S * shift_step_S
        gain_S, loss_S = loss_S - torch.minimum(trial_S, loss_S), torch.minimum(trial_S, loss_S)
        if float(gain_S.max()) < 1e-9:
            break
    return loss_S.cpu().numpy()


def _log_loss(
    z_SN: torch.Tensor, label_N: torch.Tensor, weight_N: torch.Tensor, slope_S: torch.Tensor, shift_S: torch.Tensor
) -> torch.Tensor:
    mapped_SN = slope_S[:, None] * z_SN + shift_S[:, None]
    return (torch.nn.functional.softplus(mapped_SN) - label_N * mapped_SN) @ weight_N


def _newton_step(
    z_SN: torch.Tensor, label_N: torch.Tensor, weight_N: torch.Tensor, slope_S: torch.Tensor, shift_S: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    probability_SN = torch.sigmoid(slope_S[:, None] * z_SN + shift_S[:, None])
    error_SN = (probability_SN - label_N) * weight_N
    curve_SN = probability_SN * (1 - probability_SN) * weight_N
    gradient_slope, gradient_shift = (error_SN * z_SN).sum(1), error_SN.sum(1)
    weighted_SN = curve_SN * z_SN
    # a ridge far below any real curvature keeps a separable valid fold from a singular step
    slope_slope, slope_shift = (weighted_SN * z_SN).sum(1) + 1e-9, weighted_SN.sum(1)
    shift_shift = curve_SN.sum(1) + 1e-9
    determinant = slope_slope * shift_shift - slope_shift**2
    slope_step = -(shift_shift * gradient_slope - slope_shift * gradient_shift) / determinant
    shift_step = -(slope_slope * gradient_shift - slope_shift * gradient_slope) / determinant
    return slope_step, shift_step


class BestSoFar:
    """The best epoch of each setting, its weights, and who is still running."""

    def __init__(self, settings: int, *, patience: int) -> None:
        self.value_S = np.full(settings, np.inf)
        self.epoch_S = np.zeros(settings, dtype=np.int64)
        self.running_S = np.ones(settings, dtype=bool)
        self.last_epoch_S = np.zeros(settings, dtype=np.int64)
        self.ruled_out_S = np.zeros(settings, dtype=np.int64)
        """The epoch after which a setting was ruled out; 0 where it was not."""
        self.arrays: dict[str, np.ndarray] = {}
        self._patience = patience

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
        self.running_S &= epoch - self.epoch_S < self._patience

    def rule_out(self, out_S: np.ndarray, *, epoch: int) -> None:
        """Stops settings that cannot win any more; one that has stopped by itself stays what it is."""
        stopped_S = self.running_S & out_S
        self.ruled_out_S[stopped_S] = epoch
        self.running_S &= ~stopped_S
