"""Random label: teach wrong labels for the forget set, and the right ones for the rest.

Objective: each epoch is one pass over D_f that minimises cross-entropy with labels drawn anew for
each batch, then one over D_r with the true labels.  All parameters are trained by one optimiser.
It needs D_f and D_r and costs a pass over both per epoch.  Normalisation layers: train mode, as
published; the pass over D_r comes last and puts the statistics right again.
Source: Graves et al. (2021), arXiv:2010.10981; settings of SalUn's code (arXiv:2310.12508), which
draws from all classes, the true one too (`labels="all"`).  Ours draws among the wrong ones only,
so that no step teaches what is to be forgotten; the momentum and weight decay are that code's.
The presets for digits, photographs and texts are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from unlearn_core.data.batches import Batch
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.methods.optimiser import OptimiserSettings, step_size
from unlearn_core.settings import setting
from unlearn_core.training import (
    OBJECTIVE,
    Losses,
    Progress,
    optimise,
    to_train_mode,
)

STEPS = {"optimizer": "adam", "batch_size": 64, "weight_decay": 0.0}
PRESETS: dict[str, dict[str, Any]] = {  # SalUn's too
    "digits": {**STEPS, "learning_rate": 7e-4, "epochs": 4},
    "digits sample": {**STEPS, "learning_rate": 5e-4, "epochs": 2},
    "photographs class": {"epochs": 2, "batch_size": 128},
    "texts class": {**STEPS, "learning_rate": 3e-4, "epochs": 15, "retain": "part"},
    "eli5": {**STEPS, "learning_rate": 5e-4, "epochs": 2},
    "salun": {"labels": "all"},
}


@dataclass(frozen=True, kw_only=True)
class RandomLabelSettings(OptimiserSettings):
    """Settings of `random_label`; each field is one widget on the Unlearn page."""

    learning_rate: float = step_size(0.013)
    epochs: int = setting(10, "Passes over D_f, then D_r.", positive=True)
    batch_size: int = setting(256, "Examples per step.", positive=True)
    labels: str = setting(
        "wrong", "Draw among the wrong classes, or among all.", choices=("wrong", "all")
    )
    retain: str = setting(
        "all", "All of D_r, or as many examples as D_f has.", choices=("all", "part")
    )
    train_mode: bool = setting(True, "Update the statistics of batch normalisation.")


@register_method(
    "random_label",
    RandomLabelSettings,
    label="Random label",
    source="arXiv:2010.10981",
    uses_retain=True,
    norm_mode="train",
    presets=PRESETS,
)
def random_label(inputs: UnlearnInputs, settings: RandomLabelSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    yield from relabel(inputs, settings)


def relabel(
    inputs: UnlearnInputs,
    settings: RandomLabelSettings,
    *,
    masks: Mapping[str, Tensor] | None = None,
    first_step: int = 0,
) -> Iterator[Progress]:
    """Train on random labels of D_f and true ones of D_r, in turns.

    Parameters
    ----------
    inputs : UnlearnInputs
    settings : RandomLabelSettings
    masks : mapping of str to bool tensor, optional
        By parameter, which entries may move; the others stay as they are to the bit, whatever
        momentum and weight decay do.  Without it all of them move.
    first_step : int
        So many steps of the method came before.
    """
    model, retain = inputs.model.eval(), inputs.retained(settings.retain)
    if settings.train_mode:
        to_train_mode(model, min(len(inputs.forget), len(retain)), settings.batch_size)
    optimizer = settings.build(model.parameters())
    if masks is not None:
        _hold(optimizer, dict(model.named_parameters()), masks)

    def mislabelled(batch: Batch) -> Losses:
        own = inputs.answers(batch)
        n_choices = own.logits.shape[1]
        labels = random_labels(own.targets, n_choices, settings.labels, inputs.generator)
        with inputs.autocast():
            return {OBJECTIVE: inputs.task.loss(own.logits, labels)}

    passes = (("forget", inputs.forget, mislabelled), ("retain", retain, inputs.classify))
    in_an_epoch = sum(examples.steps(settings.batch_size) for _, examples, _ in passes)
    step, total = first_step, first_step + settings.epochs * in_an_epoch
    for _ in range(settings.epochs):
        for phase, examples, losses_of in passes:
            yield from optimise(
                optimizer,
                examples.shuffled(settings.batch_size, inputs.generator),
                losses_of,
                total=total,
                first_step=step,
                phase=phase,
            )
            step += examples.steps(settings.batch_size)
    model.eval()


def random_labels(labels: Tensor, n_classes: int, among: str, generator: torch.Generator) -> Tensor:
    """Return labels of the shape of `labels` (B,), drawn evenly among the wrong ones or "all"."""
    is_wrong = among == "wrong"
    n_choices = n_classes - 1 if is_wrong else n_classes
    drawn = torch.randint(n_choices, labels.shape, generator=generator).to(labels.device)
    return (labels + 1 + drawn) % n_classes if is_wrong else drawn


def _hold(
    optimizer: torch.optim.Optimizer, weights: Mapping[str, Tensor], masks: Mapping[str, Tensor]
) -> None:
    """Put all entries outside of the masks back after every step."""
    starts = {name: weight.detach().clone() for name, weight in weights.items()}

    @torch.no_grad()
    def put_back(*_: object) -> None:
        for name, weight in weights.items():
            weight.copy_(torch.where(masks[name], weight, starts[name]))

    optimizer.register_step_post_hook(put_back)
