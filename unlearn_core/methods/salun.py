"""SalUn: teach wrong labels, but move only the weights that matter for the forget set.

Objective: that of `random_label`, over the entries with the largest |gradient| of the summed
cross-entropy of D_f at the original's weights: a share of all weights together.  The other
entries stay as they are to the bit; neither momentum nor weight decay moves them.  It needs D_f
and D_r, and costs one pass over D_f more than `random_label`.  Normalisation layers: eval mode for
the gradient, train mode afterwards, so their statistics, which are no weights, follow the batches.
Source: Fan et al. (2024), arXiv:2310.12508: half of the weights, SGD .013, 10 epochs.  Departures:
labels are drawn among the wrong ones (`labels="all"` is the published code's); ties at the
threshold go to the earlier layer, so that exactly the share is kept.
The presets for digits, photographs and texts are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.methods.random_label import PRESETS, RandomLabelSettings, relabel
from unlearn_core.settings import setting
from unlearn_core.training import Progress

CHUNK = 256


@dataclass(frozen=True, kw_only=True)
class SalunSettings(RandomLabelSettings):
    """Settings of `salun`; each field is one widget on the Unlearn page."""

    share: float = setting(0.5, "Share of all weights that may move.", between=(0, 1))


@register_method(
    "salun",
    SalunSettings,
    label="SalUn",
    source="arXiv:2310.12508",
    uses_retain=True,
    norm_mode="train",
    presets=PRESETS,
)
def salun(inputs: UnlearnInputs, settings: SalunSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per chunk of D_f and once per step."""
    model = inputs.model.eval()
    weights = dict(model.named_parameters())
    gradient = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    in_an_epoch = sum(
        examples.steps(settings.batch_size)
        for examples in (inputs.forget, inputs.retained(settings.retain))
    )
    chunks = list(inputs.forget.ordered(CHUNK))
    total = len(chunks) + settings.epochs * in_an_epoch
    for step, batch in enumerate(chunks, start=1):
        own = inputs.answers(batch)
        with inputs.autocast():
            loss = inputs.task.losses(own.logits, own.targets).sum()
        parts = torch.autograd.grad(loss, tuple(weights.values()))
        for name, part in zip(weights, parts, strict=True):
            gradient[name] += part
        yield Progress(step=step, total=total, n_examples=len(batch), phase="saliency")
    masks = salient(gradient, settings.share)
    yield from relabel(inputs, settings, masks=masks, first_step=len(chunks))


def salient(gradient: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Return which entries are among the `share` of all with the largest |gradient|, by name.

    >>> masks = salient({"a": torch.tensor([3.0, -0.1]), "b": torch.tensor([0.2, -2.0])}, 0.5)
    >>> {name: mask.tolist() for name, mask in masks.items()}
    {'a': [True, False], 'b': [False, True]}
    """
    sizes = torch.cat([part.abs().flatten() for part in gradient.values()])
    chosen = torch.zeros_like(sizes, dtype=torch.bool)
    largest = sizes.argsort(descending=True, stable=True)
    chosen[largest[: round(share * len(sizes))]] = True
    parts = chosen.split([part.numel() for part in gradient.values()])
    return {
        name: part.view(gradient[name].shape) for name, part in zip(gradient, parts, strict=True)
    }
