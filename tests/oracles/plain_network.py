"""One network at a time, as anybody would write it in torch: modules, a plain loop, no axis of settings."""

import itertools

import numpy as np
import torch


class PlainNetwork(torch.nn.Module):
    """Embedding 128 and head 128 → 64 → 2 on inputs that are already numbers and codes."""

    def __init__(self, arrays):
        super().__init__()
        tensors = {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}
        tables = [tensors[name] for name in sorted(tensors) if name.startswith("lookup_")]
        self.lookups = torch.nn.ModuleList(
            torch.nn.Embedding.from_pretrained(table.clone(), freeze=False, sparse=True) for table in tables
        )
        projection = tensors["projection_weight"]
        if tables:
            projection = torch.cat([projection, tensors["projection_lookup"]])
        self.projection = linear(projection, tensors["projection_bias"])
        self.hidden = linear(tensors["hidden_weight"], tensors["hidden_bias"])
        self.output = linear(tensors["output_weight"], tensors["output_bias"])

    def forward(self, inputs, codes):
        looked_up = [lookup(codes[:, index]) for index, lookup in enumerate(self.lookups)]
        embedding = torch.relu(self.projection(torch.cat([inputs, *looked_up], dim=1)))
        return self.output(torch.relu(self.hidden(embedding)))


def linear(weight, bias):
    layer = torch.nn.Linear(*weight.shape)
    with torch.no_grad():
        layer.weight.copy_(weight.T)
        layer.bias.copy_(bias)
    return layer


def numeric_inputs(numeric, architecture):
    """Bins, scaled values and missing indicators of each row, one value at a time."""
    rows = []
    for row in numeric:
        bins, scaled, missing = [], [], []
        for x, knots, center, scale in zip(
            row, architecture.knots, architecture.center, architecture.scale, strict=True
        ):
            gone = np.isnan(x)
            for low, high in itertools.pairwise(knots):
                bins.append(0.0 if gone else min(max((x - low) / (high - low), 0.0), 1.0))
            scaled.append(0.0 if gone else min(max((np.sign(x) * np.log1p(abs(x)) - center) / scale, -8.0), 8.0))
            missing.append(float(gone))
        rows.append([*bins, *scaled, *missing])
    return np.array(rows, dtype=np.float32)


def trained(network, inputs, codes, labels, *, row_losses, batches, learning_rates, weight_decay, clip, batch_size):
    """The network after the given batches: AdamW for the layers, SparseAdam for the lookups, clipping over both."""
    layers = [network.projection, network.hidden, network.output]
    groups = [
        {"params": [layer.weight for layer in layers], "weight_decay": weight_decay},
        {"params": [layer.bias for layer in layers], "weight_decay": 0.0},
    ]
    optimizers = [torch.optim.AdamW(groups, lr=1.0)]
    if len(network.lookups):
        optimizers.append(torch.optim.SparseAdam(list(network.lookups.parameters()), lr=1.0))
    for batch, rate in zip(batches, learning_rates, strict=True):
        for optimizer in optimizers:
            optimizer.zero_grad()
            for group in optimizer.param_groups:
                group["lr"] = rate
        loss = row_losses(network(inputs[batch], codes[batch]), labels[batch]).sum() / batch_size
        loss.backward()
        clip_gradients(network, clip)
        for optimizer in optimizers:
            optimizer.step()
    return network


def clip_gradients(network, clip):
    gradients = [p.grad.coalesce() if p.grad.is_sparse else p.grad for p in network.parameters()]
    norm = sum(float((g.values() if g.is_sparse else g).square().sum()) for g in gradients) ** 0.5
    if norm > clip:
        for parameter in network.parameters():
            parameter.grad = parameter.grad * (clip / norm)
