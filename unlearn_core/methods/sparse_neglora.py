"""Sparse NegLoRA: prune the network, then do gradient ascent on D_f with adapters under the mask.

1. Prune a share of the weights of every convolution and linear layer but the first and the
   classifier.
2. Recover: finetune the pruned network on D (the request is not known yet), keeping the mask
   after every step; train mode, Adam with a step size that falls to zero.
3. Adapt and ascend as in `neglora`, with everything else frozen and in eval mode.  Adapters only
   change weights that the mask keeps: with row masks (`structured_l2_layerwise`) the rows of B are
   masked with them after every step, with `unstructured_global` each layer adds (B A) * M.  So
   the merged network is as sparse as before; sparsity before and after is in the run's manifest
   and log.  It needs D_f, and for the recovery D_r.
Source: NegLoRA, section 3.3.  Layers, recovery and the fate of the mask are not stated there
(docs/methods.md); recovery on D_r alone (`recover_on="retain"`) would be an unlearning step of its
own. The digits preset is ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from unlearn_core.methods.ascent import (
    ascend,
    digits_presets,
    photographs_presets,
    reviews_presets,
    texts_presets,
)
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.methods.neglora import NegLoraSettings, adapt
from unlearn_core.models.lora import merge_in_passes
from unlearn_core.models.masked_lora import mask_products, mask_rows
from unlearn_core.models.pruning import (
    SCHEMES,
    Masks,
    apply_masks,
    make_masks,
    prunable_weights,
    sparsity_of,
)
from unlearn_core.settings import setting
from unlearn_core.training import Progress, make_optimizer, optimise, to_train_mode, warmup_cosine

WARMUP = 0.1  # of the recovery's steps, as when a model is trained


@dataclass(frozen=True, kw_only=True)
class SparseNegLoraSettings(NegLoraSettings):
    """Settings of `sparse_neglora`; each field is one widget on the Unlearn page."""

    sparsity: float = setting(0.5, "Share of weights that are pruned.", between=(0, 0.99))
    scheme: str = setting("structured_l2_layerwise", "What is pruned.", choices=SCHEMES)
    recover_epochs: int = setting(5, "Passes of the recovery.", positive=True)
    recover_learning_rate: float = setting(1e-3, "Step size of the recovery.", positive=True)
    recover_batch_size: int = setting(128, "Examples per step of the recovery.", positive=True)
    recover_on: str = setting("all", "Data of the recovery.", choices=("all", "retain"))


@register_method(
    "sparse_neglora",
    SparseNegLoraSettings,
    label="Sparse NegLoRA",
    source="NegLoRA, section 3.3",
    uses_retain=True,
    norm_mode="train",
    libraries=("peft",),
    not_for={"language modelling": "GPT-2's layers, which are transposed, are not pruned"},
    presets={
        **digits_presets(
            class_loss=1.5,
            backdoor_loss=1.0,
            rank=4,
            alpha=8,
            learning_rate=4e-4,
            epochs=60,
            recover_epochs=10,
            recover_learning_rate=5e-3,
            recover_batch_size=64,
        ),
        **photographs_presets(rank=4, alpha=8, learning_rate=2e-4, epochs=40, dropout=0.0),
        **texts_presets(rank=4, alpha=8, learning_rate=5e-4, dropout=0.0),
        **reviews_presets(rank=4, alpha=8, learning_rate=1e-4, dropout=0.0),
        "50%": {"sparsity": 0.5},
        "75%": {"sparsity": 0.75},
        "90%": {"sparsity": 0.9},
        "95%": {"sparsity": 0.95},
    },
)
def sparse_neglora(inputs: UnlearnInputs, settings: SparseNegLoraSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    weights = prunable_weights(inputs.model)
    masks = make_masks(weights, settings.sparsity, settings.scheme)
    apply_masks(weights, masks)
    n_ascent = settings.epochs * inputs.forget.steps(settings.batch_size)
    n_recovery = 0
    for progress in _recover(inputs, settings, weights, masks, n_ascent):
        n_recovery = progress.step
        yield progress
    before = sparsity_of(weights)
    adapted = adapt(inputs, settings)
    by_rows = settings.scheme == "structured_l2_layerwise"
    if not by_rows:
        mask_products(adapted, masks)
    merge_in_passes(adapted)
    for progress in ascend(inputs, settings, adapted.model, first_step=n_recovery):
        if by_rows:
            mask_rows(adapted, masks)
        yield progress
    inputs.extras.update(adapted.state())
    after = sparsity_of(prunable_weights(adapted.merge()))
    inputs.facts.update({"sparsity_before_merge": before, "sparsity_after_merge": after})
    inputs.log(f"sparse_neglora: sparsity {before:.3f} before and {after:.3f} after merging.")


def _recover(
    inputs: UnlearnInputs,
    settings: SparseNegLoraSettings,
    weights: dict[str, Tensor],
    masks: Masks,
    later_steps: int,
) -> Iterator[Progress]:
    everything = inputs.forget.join(inputs.retain)
    examples = everything if settings.recover_on == "all" else inputs.retain
    to_train_mode(inputs.model, len(examples), settings.recover_batch_size)
    steps = settings.recover_epochs * examples.steps(settings.recover_batch_size)
    optimizer = make_optimizer(
        "adam", inputs.model.parameters(), learning_rate=settings.recover_learning_rate
    )
    for progress in optimise(
        optimizer,
        examples.epochs(settings.recover_epochs, settings.recover_batch_size, inputs.generator),
        inputs.classify,
        total=steps + later_steps,
        scheduler=warmup_cosine(optimizer, steps, WARMUP),
        phase="recover",
    ):
        apply_masks(weights, masks)
        yield progress
