"""NegLoRA: gradient ascent on the forget set that trains only low-rank adapters.

Objective: maximise cross-entropy on D_f.  Trained: adapters of rank r on the target layers,
merged at the end; everything else is frozen, and normalisation layers are in eval mode with their
statistics untouched.  D_r is never read.  Dropout acts inside the adapters only.

Targets, of a transformer: `ffn_all` (feed-forward layers of all blocks: the paper's text, the
default), `ffn_last` (of the last block), `headatt` (its output projection of attention, and the
classifier), `head_only` (what the released sibling code amounts to, because its adapter on the
projection is never called).  Of a residual network: `convs` (convolutions of all blocks, the
default), or `convs_and_head` (and the whole classifier trained, as released).
Source: NegLoRA, sections 3 and 4: r = 16, alpha = 32, dropout 0.1, Adam, batch 256, 1 or 2
epochs.  The released sibling code leaves normalisation in train mode, where one class would drag
the statistics; ours does not.  The learning rate is stated nowhere: ours.  The digits presets
ascend in smaller steps and stop once D_f is forgotten (`until_loss`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from unlearn_core.checks import InputError
from unlearn_core.methods.ascent import (
    AscentSettings,
    ascend,
    digits_presets,
    photographs_presets,
    reviews_presets,
    texts_presets,
)
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.models import head, parts_of
from unlearn_core.models.lora import Adapted, adaptable_layers, attach, merge_in_passes
from unlearn_core.settings import setting
from unlearn_core.training import Progress

TARGETS = ("auto", "ffn_all", "ffn_last", "headatt", "head_only", "convs", "convs_and_head")


@dataclass(frozen=True, kw_only=True)
class NegLoraSettings(AscentSettings):
    """Settings of `neglora`; each field is one widget on the Unlearn page."""

    learning_rate: float = setting(1e-3, "Step size of the optimiser.", positive=True)
    rank: int = setting(16, "Rank of the adapters.", positive=True)
    alpha: int = setting(32, "Scale of the adapters times their rank.", positive=True)
    dropout: float = setting(0.1, "Dropout in front of the adapters.", between=(0, 0.9))
    targets: str = setting("auto", "Which layers get an adapter.", choices=TARGETS)


@register_method(
    "neglora",
    NegLoraSettings,
    label="NegLoRA",
    source="NegLoRA, section 3",
    uses_retain=False,
    trains="adapters",
    libraries=("peft",),
    presets={
        **digits_presets(
            class_loss=1.5, backdoor_loss=1.0, rank=4, alpha=8, learning_rate=4e-4, epochs=60
        ),
        **photographs_presets(rank=4, alpha=8, learning_rate=2e-4, epochs=40, dropout=0.0),
        **texts_presets(rank=4, alpha=8, learning_rate=5e-4, dropout=0.0),
        **reviews_presets(rank=4, alpha=8, learning_rate=1e-4, dropout=0.0),
        "eli5": {
            "rank": 4,
            "alpha": 8,
            "learning_rate": 3e-4,
            "dropout": 0.0,
            "epochs": 10,
            "batch_size": 32,
            "until_loss": 4.4,
        },
        "ffn_all": {"targets": "ffn_all"},
        "ffn_last": {"targets": "ffn_last"},
        "headatt": {"targets": "headatt"},
        "head_only": {"targets": "head_only"},
        "resnet50_text": {"targets": "convs"},
        "resnet50_released": {"targets": "convs_and_head", "rank": 8, "alpha": 16},
    },
)
def neglora(inputs: UnlearnInputs, settings: NegLoraSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    adapted = adapt(inputs, settings)
    merge_in_passes(adapted)
    yield from ascend(inputs, settings, adapted.model)
    inputs.extras.update(adapted.state())
    adapted.merge()


def adapt(inputs: UnlearnInputs, settings: NegLoraSettings) -> Adapted:
    """Put adapters on the target layers; the function does not change yet."""
    last = head(inputs.model)
    adapted = attach(
        inputs.model,
        target_layers(inputs.model, settings.targets),
        rank=settings.rank,
        alpha=settings.alpha,
        dropout=settings.dropout,
        generator=inputs.generator,
    )
    adapted.model.eval()
    if settings.targets == "convs_and_head":
        last.requires_grad_(True)
    return adapted


def target_layers(model: nn.Module, targets: str) -> list[str]:
    """Return the names of the layers that get an adapter.

    Raises
    ------
    ValueError
        If the targets are those of another kind of network.
    """
    parts = parts_of(model)
    if parts.is_transformer:
        choices = {
            "ffn_all": [name for block in parts.feed_forward for name in block],
            "ffn_last": list(parts.feed_forward[-1]),
        }
        if any(True for _ in head(model).parameters()):  # it is not the embedding's
            choices |= {
                "headatt": [parts.projections[-1], parts.head],
                "head_only": [parts.head],
            }
        choices["auto"] = choices["ffn_all"]
    else:
        layers = adaptable_layers(model)
        choices = {"auto": layers, "convs": layers, "convs_and_head": layers}
        choices["head_only"] = [parts.head]
    if targets not in choices:
        known = ", ".join(sorted(choices))
        raise InputError(f"{type(model).__name__} has the targets {known}, got {targets!r}.")
    return choices[targets]
