"""What a network of infinite capacity would output: the true expected loss, minimised numerically."""

import numpy as np
import torch


def optimal_margins(eta, *, smoothing, ratio, weighting, gamma, anchor=0.5):
    """Margins z [N] that minimise E_y[loss | P(fraud) = eta], by L-BFGS in float64, one number a row."""
    eta = torch.tensor(np.asarray(eta), dtype=torch.float64)
    weight = torch.tensor([1.0, ratio], dtype=torch.float64)
    margin = torch.zeros_like(eta, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [margin], max_iter=3000, tolerance_grad=1e-15, tolerance_change=1e-18, line_search_fn="strong_wolfe"
    )

    def closure():
        optimizer.zero_grad()
        logits = torch.stack([torch.zeros_like(margin), margin], dim=1)
        per_class = [
            row_losses(
                logits, label, smoothing=smoothing, weight=weight, weighting=weighting, gamma=gamma, anchor=anchor
            )
            for label in (0, 1)
        ]
        loss = ((1 - eta) * per_class[0] + eta * per_class[1]).sum()
        loss.backward()
        return loss

    for _ in range(5):
        optimizer.step(closure)
    return margin.detach().numpy()


def row_losses(logits, label, *, smoothing, weight, weighting, gamma, anchor=0.5):
    """Loss of each row of one true class, through torch's own loss wherever torch has it."""
    labels = torch.full((len(logits),), label)
    if gamma == 0 and weighting == "column" and anchor == 0.5:
        return torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing, reduction="none")(logits, labels)
    if gamma == 0 and anchor == 0.5:
        return weight[label] * torch.nn.CrossEntropyLoss(label_smoothing=smoothing, reduction="none")(logits, labels)
    p = torch.softmax(logits, dim=1)
    total = 0
    for k in range(2):
        target = (1 - smoothing) * (k == label) + smoothing * (anchor if k == 1 else 1 - anchor)
        w = weight[k] if weighting == "column" else weight[label]
        total = total - w * target * (1 - p[:, k]) ** gamma * torch.log(p[:, k])
    return total
