"""MUDA: align the forgotten features with the retained subspace, then recover.

Objective: alternate one pass over D_f that minimises alpha * L_DA + beta * L_SD with one pass
over D'_r that minimises cross-entropy.  L_DA is minus the dimensional alignment of the batch's
features with the principal subspace of D'_r; L_SD distils the model's own prediction with the
label's entry removed.  All parameters are trained; it needs D_f and D'_r only.  It costs
`iterations` steps plus one forward pass over D'_r per forget phase.  Normalisation layers stay in
eval mode (the paper uses group normalisation, where the question does not arise).
Source: arXiv:2407.17710, section 3.  Departures (docs/methods.md): the optimiser, unstated there,
is Adam; an iteration is an optimiser step (or a forget and a recover phase: `unit="alternation"`);
the retained subspace is computed once per forget phase from all of D'_r (or in every step from a
batch of it: `subspace="batch"`).  The digits preset is ours, for a network of 64
features; it recovers on at least 300 examples, because on the few that a small D_f allows the
network overfits and collapses.  A forget phase is a pass over D_f, so with more examples it needs
larger batches: on all of CIFAR-10 batches of 100 leave 35 % of the others right (class 1), batches
of 1000 keep 86.8 of 87.2 % (class 0) and forget fully, seed 0, ResNet-18 of width 16.
The preset for texts takes small steps and weighs self-distillation as much as alignment: as the
paper weighs them, steps that forgot an intent lost 2 to 3 points of the others (banking77, intents
11 and 33, seed 0), and these lose about one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from unlearn_core.data.batches import Batch, Examples
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.methods.losses import alignment_loss, self_distillation_loss
from unlearn_core.methods.optimiser import retained_at_least
from unlearn_core.models import captured_features
from unlearn_core.settings import Settings, setting
from unlearn_core.subspace import principal_basis
from unlearn_core.training import (
    OBJECTIVE,
    OPTIMIZERS,
    Losses,
    LossesOf,
    Progress,
    make_optimizer,
    optimise,
)

UNITS = ("step", "alternation")
SUBSPACES = ("phase", "batch")
TEXTS = {
    "learning_rate": 2e-4,
    "iterations": 8,
    "unit": "alternation",
    "batch_size": 20,
    "retain_at_least": 600,
    "beta": 0.1,
}


@dataclass(frozen=True, kw_only=True)
class MudaSettings(Settings):
    """Settings of `muda`; each field is one widget on the Unlearn page."""

    learning_rate: float = setting(1e-3, "Step size of the optimiser.", positive=True)
    iterations: int = setting(200, "Steps, or alternations, in all.", positive=True)
    unit: str = setting(
        "step", "An iteration: a step, or a forget and a recover phase.", choices=UNITS
    )
    subspace: str = setting(
        "phase",
        "Retained subspace: of all D'_r each phase, or of a batch each step.",
        choices=SUBSPACES,
    )
    batch_size: int = setting(100, "Examples per step.", positive=True)
    retain_at_least: int = retained_at_least()
    alpha: float = setting(0.1, "Weight of dimensional alignment.", between=(0, 1e6))
    beta: float = setting(0.01, "Weight of self-distillation.", between=(0, 1e6))
    optimizer: str = setting("adam", "Which optimiser takes the steps.", choices=OPTIMIZERS)


@register_method(
    "muda",
    MudaSettings,
    label="MUDA",
    source="arXiv:2407.17710",
    uses_retain=True,
    retain="part",
    presets={
        "digits": {
            "learning_rate": 7e-4,
            "iterations": 120,
            "batch_size": 50,
            "retain_at_least": 300,
        },
        "digits sample": {
            "learning_rate": 7e-4,
            "iterations": 40,
            "batch_size": 50,
            "retain_at_least": 300,
        },
        "photographs class": {
            "learning_rate": 5e-4,
            "iterations": 100,
            "retain_at_least": 2000,
        },
        "many photographs class": {
            "learning_rate": 5e-4,
            "iterations": 100,
            "batch_size": 1000,
            "retain_at_least": 20000,
        },
        "photographs sample": {
            "learning_rate": 2e-4,
            "iterations": 50,
            "retain_at_least": 2000,
        },
        "photographs backdoor": {
            "learning_rate": 2e-4,
            "iterations": 100,
            "retain_at_least": 2000,
        },
        "texts class": TEXTS,
        "texts keyword": TEXTS,
        "texts sample": {**TEXTS, "iterations": 4},
        "eli5": {"iterations": 30, "batch_size": 64},
        "muda": {},
    },
)
def muda(inputs: UnlearnInputs, settings: MudaSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    model = inputs.model.eval()
    retain = inputs.retain_subset(settings.retain_at_least)
    optimizer = make_optimizer(
        settings.optimizer, model.parameters(), learning_rate=settings.learning_rate
    )
    total = settings.iterations
    if settings.unit == "alternation":
        total *= sum(each.steps(settings.batch_size) for each in (inputs.forget, retain))
    step, forgetting = 0, True
    while step < total:
        losses_of = _forget(inputs, settings, retain) if forgetting else inputs.classify
        examples = inputs.forget if forgetting else retain
        batches = examples.shuffled(settings.batch_size, inputs.generator)
        for progress in optimise(
            optimizer,
            islice(batches, total - step),
            losses_of,
            total=total,
            first_step=step,
            phase="forget" if forgetting else "recover",
        ):
            step = progress.step
            yield progress
        forgetting = not forgetting


def _forget(inputs: UnlearnInputs, settings: MudaSettings, retain: Examples) -> LossesOf:
    """Return the losses of a forget phase, with the retained subspace as it is now."""
    each_step = settings.subspace == "batch"
    fixed = None if each_step else retain_basis(inputs, retain.ordered(inputs.task.at_once))
    drawn = retain.forever(settings.batch_size, inputs.generator) if each_step else iter(())

    def losses_of(batch: Batch) -> Losses:
        basis = retain_basis(inputs, [next(drawn)]) if fixed is None else fixed
        with captured_features(inputs.model) as features:
            own = inputs.answers(batch)
        alignment = alignment_loss(features[0].float(), basis)
        distillation = self_distillation_loss(own.logits.float(), own.targets)
        return {
            OBJECTIVE: settings.alpha * alignment + settings.beta * distillation,
            "alignment_loss": alignment,
            "self_distillation_loss": distillation,
        }

    return losses_of


@torch.no_grad()
def retain_basis(inputs: UnlearnInputs, batches: Iterable[Batch]) -> Tensor:
    """Return the principal subspace of the features of these batches, (n_features, rank)."""
    with captured_features(inputs.model) as features:
        for batch in batches:
            inputs.model(batch.inputs)
    basis = principal_basis(torch.cat(features).float().cpu().numpy())
    return torch.from_numpy(basis).to(inputs.device, torch.float32)
