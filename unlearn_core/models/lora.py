"""Low-rank adapters (LoRA) on convolutions and linear layers, attached and merged by PEFT.

A: in -> rank with the layer's own kernel, B: rank -> out.  B starts at zero, so attaching
leaves the function unchanged to the bit.

Source: E. Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021,
arXiv:2106.09685; PEFT's implementation.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.func import functional_call

from unlearn_core.checks import InputError
from unlearn_core.models.parts import is_transposed_linear, parts_of

if TYPE_CHECKING:
    from peft import PeftModel
    from peft.tuners.lora import LoraLayer

ADAPTER = "default"


@dataclass
class Adapted:
    """A frozen model with adapters in it, which are all that is trained.

    `wrapper` is PEFT's handle on the same modules; `layers` are the adapted ones by their name in
    the plain model, in network order.
    """

    wrapper: PeftModel
    layers: dict[str, LoraLayer]

    @property
    def model(self) -> nn.Module:
        """The adapted model itself, called like the plain one."""
        base: nn.Module = self.wrapper.get_base_model()
        return base

    def state(self) -> dict[str, Tensor]:
        """Return copies of the adapter weights by name."""
        return {
            name: tensor.detach().clone().contiguous()
            for name, tensor in self.model.state_dict().items()
            if "lora_" in name
        }

    def merge(self) -> nn.Module:
        """Add scale * B A to the frozen weights and remove the adapters."""
        merged: nn.Module = self.wrapper.merge_and_unload()
        return merged.requires_grad_(True)

    @contextmanager
    def disabled(self) -> Iterator[None]:
        """Switch the adapters off for a while: the frozen model is RFA's teacher."""
        with self.wrapper.disable_adapter():
            yield


def adaptable_layers(model: nn.Module, under: Sequence[str] = ()) -> list[str]:
    """Return names of the layers that RFA adapts, in network order, as the parts state them.

    Of a residual network the convolutions inside blocks: all but stem, shortcuts and classifier.
    Of a vision transformer the output projection of attention and the feed-forward layers in the
    last half of the blocks.  `under` keeps names that start so.
    """
    layers = list(parts_of(model).adaptable)
    if not layers:
        what = f"The parts of {type(model).__name__} must name `adaptable` layers"
        raise InputError(f"{what}, got none.")
    chosen = [name for name in layers if not under or name.startswith(tuple(under))]
    if not chosen:
        raise InputError(f"No layer to adapt under {list(under)}; there are {layers}.")
    return chosen


def attach(
    model: nn.Module,
    names: Sequence[str],
    *,
    rank: int,
    alpha: int,
    dropout: float,
    generator: torch.Generator,
) -> Adapted:
    """Freeze `model` in place and put an adapter on each named layer.

    The scale is alpha / rank.  A is drawn from `generator` (Kaiming uniform, a = sqrt 5).
    """
    from peft import LoraConfig, get_peft_model  # takes seconds to load

    adaptees = (module for name, module in model.named_modules() if name in names)
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules="|".join(map(re.escape, names)),  # a list would match by ends of names
        bias="none",
        fan_in_fan_out=any(is_transposed_linear(module) for module in adaptees),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by an old name
        wrapper = get_peft_model(model, config)
    modules = dict(model.named_modules())
    layers = {name: modules[name] for name in names}
    adapted = Adapted(wrapper=wrapper, layers=layers)
    seed = int(torch.randint(2**62, (1,), generator=generator)) if dropout else 0
    dropping = SeededDropout(dropout, seed)  # one stream for all layers, in network order
    for layer in adapted.layers.values():
        if dropout:
            layer.lora_dropout[ADAPTER] = dropping
        _draw(layer.lora_A[ADAPTER].weight, generator)  # type: ignore[arg-type]
    return adapted


class SeededDropout(nn.Module):
    """Dropout that draws from a generator of its own, and stays on in evaluation mode.

    The network around an adapter is in evaluation mode while the adapter is trained.  It is off
    where no gradient is recorded, as in probes.  The generator is on the device of what flows
    through: masks are as large as feature maps, too large to be sent there in every step.
    """

    def __init__(self, share: float, seed: int) -> None:
        super().__init__()
        self.keep, self.seed = 1 - share, seed
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Zero a share of the elements and scale up the rest."""
        if not torch.is_grad_enabled():
            return x
        if self.generator is None:
            self.generator = torch.Generator(x.device).manual_seed(self.seed)
        is_kept = torch.empty_like(x).bernoulli_(self.keep, generator=self.generator)
        return x * is_kept / self.keep


@torch.no_grad()
def _draw(weight: Tensor, generator: torch.Generator) -> None:
    fan_in = math.prod(weight.shape[1:])
    bound = math.sqrt(1 / fan_in)  # Kaiming uniform with a = sqrt 5
    weight.copy_(torch.empty(weight.shape).uniform_(-bound, bound, generator=generator))


@dataclass(frozen=True)
class Residual:
    """What an adapter added in a forward pass, scale * B A x, whole and by its two factors.

    Attributes
    ----------
    value : tensor of the layer's output shape
    down : tensor (B, n_positions, rank)
        A x at every position of a feature map or sequence; one position without either.
    up : tensor (n_channels, rank)
        scale * B, so that ``down @ up.T`` is `value` with its positions in a row.
    """

    value: Tensor
    down: Tensor
    up: Tensor


@dataclass
class Branches:
    """Outputs of the frozen layers and of their adapters in the latest forward pass.

    `frozen[k]` is x_k, the frozen layer's output, and `residuals[k]` the adapter's contribution
    scale * B A x_{k-1}, in network order.
    """

    frozen: list[Tensor] = field(default_factory=list)
    residuals: list[Residual] = field(default_factory=list)

    def clear(self) -> None:
        """Discard the outputs of the latest forward pass."""
        self.frozen.clear()
        self.residuals.clear()


@contextmanager
def captured_branches(adapted: Adapted, *, layer_local: bool = False) -> Iterator[Branches]:
    """Record what frozen layers and adapters give in each forward pass; call `clear` in between.

    With `layer_local` a residual is computed once more from its detached input: same value, but
    gradients through it stop at this adapter.  The forward pass itself stays as it is.
    Passes without gradients, such as those of probes between steps, are not recorded.

    PEFT's own forward function, which this replaces for the while, casts a layer's input to 32
    bits and back under autocast and multiplies by a scale of 1: narrow layers notice.
    """
    latest = Branches()

    def forward(layer: LoraLayer, x: Tensor) -> Tensor:
        frozen: Tensor = layer.base_layer(x)
        if layer.disable_adapters:
            return frozen
        down = layer.lora_A[ADAPTER](x)
        added = _scaled(layer, layer.lora_B[ADAPTER](down))
        if torch.is_grad_enabled():
            if layer_local:
                down = layer.lora_A[ADAPTER](x.detach())
            up = _scaled(layer, layer.lora_B[ADAPTER].get_parameter("weight").flatten(1))
            latest.frozen.append(frozen)
            latest.residuals.append(Residual(value=added, down=by_position(down), up=up))
        return frozen + added

    with _forwarding(adapted, forward):
        yield latest


def merge_in_passes(adapted: Adapted) -> None:
    """Let each adapted layer run once, with the weight that it will have when it is merged.

    Gradients reach A and B through that weight.  Layers with dropout in front of their adapter
    have no such weight and stay as they are.
    """
    for layer in adapted.layers.values():
        if isinstance(layer.lora_dropout[ADAPTER], nn.Identity):
            vars(layer)["forward"] = partial(_merged_forward, layer)


def _merged_forward(layer: LoraLayer, x: Tensor) -> Tensor:
    base = layer.get_base_layer()
    changes = {}
    if not layer.disable_adapters:
        with torch.autocast(x.device.type, enabled=False):  # small, and summed in 32 bits
            changes["weight"] = base.get_parameter("weight") + merged_product(layer)
    outputs: Tensor = functional_call(base, changes, (x,))
    return outputs


def merged_product(layer: LoraLayer) -> Tensor:
    """Return what merging will add to the layer's weight: scale * B A, under its mask if any."""
    variant = layer.lora_variant.get(ADAPTER)
    product: Tensor = (
        layer.get_delta_weight(ADAPTER)  # type: ignore[attr-defined]
        if variant is None
        else variant.product(layer)  # type: ignore[attr-defined]
    )
    return product


@contextmanager
def _forwarding(adapted: Adapted, forward: Callable[[LoraLayer, Tensor], Tensor]) -> Iterator[None]:
    """Give the adapted layers another forward function for a while."""
    for layer in adapted.layers.values():
        vars(layer)["forward"] = partial(forward, layer)
    try:
        yield
    finally:
        for layer in adapted.layers.values():
            del vars(layer)["forward"]


def by_position(x: Tensor) -> Tensor:
    """Return a layer's output as (B, n_positions, n_channels), a view in either memory format."""
    if x.ndim == 4:  # feature maps have channels before positions
        return x.flatten(2).transpose(1, 2)
    return x.unflatten(0, (-1, 1)) if x.ndim == 2 else x


def _scaled(layer: LoraLayer, output: Tensor) -> Tensor:
    scale = layer.scaling[ADAPTER]
    return output if scale == 1 else scale * output  # a product by 1 would copy a whole layer
