"""What methods ask of a network: its layers by what they are for, and how they are drawn anew.

Each family of networks states its own (`register_model`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from torch import Tensor, nn

from unlearn_core.checks import InputError
from unlearn_core.models.fresh_weights import DrawLayer, draw_layer

WEIGHTED = (nn.Conv2d, nn.Linear)
M = TypeVar("M", bound=nn.Module)
Resume = Callable[[nn.Module, str, Tensor], Tensor]
IsReal = Callable[[Tensor], Tensor]
Pool = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Names of a network's modules by what they are for, in network order, and their rule.

    Attributes
    ----------
    head : str
        The last linear layer, the classifier: its input is the feature vector.
    stem : tuple of str
        Layers that meet the input first; neither pruned nor adapted.
    blocks : tuple of str
        Residual or transformer blocks.
    last_stage : tuple of str
        What CF-k and EU-k train: the end of the network and the classifier.
    adaptable : tuple of str
        Layers that RFA adapts, and at which models are compared.
    attention : tuple of tuple of str
        For each block, the layers that make queries, keys and values.  Empty without attention.
    projections : tuple of str
        For each block, the output projection of its attention.
    feed_forward : tuple of tuple of str
        For each block, the layers of its feed-forward network.
    draw_layer : callable taking a layer's name, the layer and the generator
        Gives one layer fresh weights.  Convolutional networks need no other than the default.
    resume : callable taking the network, a block's name and that block's input, optional
        Runs the network from the block on; with it, what is frozen before a block is computed
        once.
    is_real : callable taking a batch's inputs, optional
        Says which positions of a sequence are no padding, bool (B, n_positions).  Without it every
        position counts.
    pool : callable taking what the classifier is given and a batch's inputs, optional
        Makes an example's feature vector (B, n_features) of what the classifier is given at each
        position of a sequence (B, n_positions, n_features).  Without it it is given one.
    """

    head: str
    stem: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    last_stage: tuple[str, ...] = ()
    adaptable: tuple[str, ...] = ()
    attention: tuple[tuple[str, ...], ...] = ()
    projections: tuple[str, ...] = ()
    feed_forward: tuple[tuple[str, ...], ...] = ()
    draw_layer: DrawLayer = draw_layer
    resume: Resume | None = None
    is_real: IsReal | None = None
    pool: Pool | None = None

    @property
    def is_transformer(self) -> bool:
        """Whether the blocks have attention."""
        return bool(self.projections)

    def names(self) -> tuple[str, ...]:
        """Return every name that is stated."""
        nested = (name for group in (*self.attention, *self.feed_forward) for name in group)
        flat = (*self.stem, *self.blocks, *self.last_stage, *self.adaptable, *self.projections)
        return (self.head, *flat, *nested)


PartsOf = Callable[[nn.Module], Parts]
STATED = "_stated_parts"  # on the network itself, so that its copies have them too


def state_parts(model: M, parts: Parts) -> M:
    """Tell what the parts of a network of no registered family are, and return it.

    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    >>> parts_of(state_parts(model, Parts(head="1"))).head
    '1'

    Raises
    ------
    ValueError
        If the network has no module of a stated name.
    """
    known = dict(model.named_modules())
    unknown = [name for name in parts.names() if name not in known]
    if unknown:
        raise InputError(f"{type(model).__name__} has no module {unknown[0]!r} to be a part.")
    setattr(model, STATED, parts)
    return model


def parts_of(model: nn.Module) -> Parts:
    """Return the parts that were stated for this network.

    Raises
    ------
    ValueError
        If none were.
    """
    parts = getattr(model, STATED, None)
    if parts is None:
        raise InputError(
            f"The parts of {type(model).__name__} are not known: state them with "
            '`state_parts(model, Parts(head="fc", ...))` of unlearn_core.models, or give '
            f"`parts=Parts(...)`. Its layers are {', '.join(weighted_layers(model)) or 'none'}."
        )
    return cast(Parts, parts)


def draw_layer_of(model: nn.Module) -> DrawLayer:
    """Return how this network's layers are drawn; the default where no parts were stated."""
    parts: Parts | None = getattr(model, STATED, None)
    return draw_layer if parts is None else parts.draw_layer


def blocks_from(model: nn.Module, first: str) -> list[nn.Module]:
    """Return the block of that name and all behind it."""
    names = parts_of(model).blocks
    return [model.get_submodule(name) for name in names[names.index(first) :]]


def head(model: nn.Module) -> nn.Linear:
    """Return the classifier: its input is the feature vector."""
    return cast(nn.Linear, model.get_submodule(parts_of(model).head))


def last_stage(model: nn.Module) -> nn.ModuleList:
    """Return the last stage and the classifier: `layer4` and `fc` of a ResNet.

    Of a transformer: its last block, the norm behind it and the classifier.

    Raises
    ------
    ValueError
        If the network's parts name none.
    """
    names = parts_of(model).last_stage
    if not names:
        raise InputError(f"The parts of {type(model).__name__} must name a `last_stage`, got none.")
    return nn.ModuleList([model.get_submodule(name) for name in names])


def real_positions(model: nn.Module, inputs: Tensor) -> Tensor | None:
    """Return which positions of a batch's sequences are no padding; None where all count."""
    is_real = parts_of(model).is_real
    return None if is_real is None else is_real(inputs)


def is_transposed_linear(layer: nn.Module) -> bool:
    """Say whether a layer is transformers' `Conv1D`: linear, with a weight of (in, out)."""
    kind = type(layer)  # by name, because loading transformers takes seconds
    return kind.__name__ == "Conv1D" and kind.__module__ == "transformers.pytorch_utils"


def weighted_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Return every convolution and linear layer by name, in network order."""
    return {name: m for name, m in model.named_modules() if isinstance(m, WEIGHTED)}
