"""How much each weight matters for examples: squared gradients, shared by Fisher and SSD."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from unlearn_core.data.batches import Batch
from unlearn_core.tasks import CLASSIFICATION, Task

AT_ONCE, MOST_NUMBERS = 64, 2**27  # examples, and numbers of all their gradients, in memory


def squared_gradients(
    model: nn.Module, batch: Batch, labels: Tensor, task: Task = CLASSIFICATION
) -> dict[str, Tensor]:
    r"""Return each example's squared gradient of the loss, by parameter.

    .. math:: \left( \partial \ell(x, y) / \partial w \right)^2

    Parameters
    ----------
    model : nn.Module
        In evaluation mode, so that examples do not depend on each other.
    batch : Batch
        Of B examples x.
    labels : tensor of shape (B,)
        The y whose loss is meant.
    task : Task

    Returns
    -------
    dict of str to tensor of shape (B, ...)
    """
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    buffers = dict(model.named_buffers())

    def loss(weights: dict[str, Tensor], example: Tensor, label: Tensor) -> Tensor:
        logits = functional_call(model, (weights, buffers), (example[None],))
        return task.loss(logits, label[None])

    each = vmap(grad(loss), in_dims=(None, 0, 0))
    with sdpa_kernel(SDPBackend.MATH):  # the one kind of attention that is computed for all at once
        gradients = each(parameters, batch.inputs, labels)
    return {name: gradient.square() for name, gradient in gradients.items()}


def chunk_size(model: nn.Module) -> int:
    """Return of how many examples the gradients are computed together."""
    n_weights = sum(weight.numel() for weight in model.parameters())
    return max(1, min(AT_ONCE, MOST_NUMBERS // n_weights))


def zeros_like(model: nn.Module) -> dict[str, Tensor]:
    """Return a zero for every weight, by parameter: where sums begin."""
    return {name: torch.zeros_like(p) for name, p in model.named_parameters()}
