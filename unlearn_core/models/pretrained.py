"""Published weights: downloaded once by the libraries they are for, then read from their caches.

Of networks for images those of ImageNet, of DistilBERT and DistilGPT2 those of the language model,
with its tokenizer.  GPT-2's has no token for padding: one is put before the others, so that every
number is one larger than the published one (`models.gpt2_tokens`).  The classifier keeps the
weights it has, because its classes are others.  Images of one channel get the sum of the first
convolution's three kernels, which is what repeating grey over red, green and blue gives.  The
weights were made on images normalised with ImageNet's statistics; here images are normalised with
those of their own data set.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unlearn_core.checks import InputError, MissingFileError
from unlearn_core.models.gpt2_tokens import tokenizer_with_padding, weights_with_padding
from unlearn_core.models.parts import parts_of

WEIGHTS_FILE, TOKENIZER_FILE = "model.safetensors", "tokenizer.json"
DISTILBERT, DISTILGPT2 = "distilbert/distilbert-base-uncased", "distilbert/distilgpt2"
POSITIONS = ("position_embeddings.weight", "wpe.weight")  # short texts need the first alone
NEW = {"distilbert": ("pre_classifier",)}  # layers that start fresh beside the classifier
Weights = dict[str, Tensor]


class WeightsNotFoundError(MissingFileError):
    """The weights are neither on this machine nor to be had from the network."""


def load_published_weights(model: nn.Module, name: str) -> None:
    """Set every weight of `model` but the classifier's to the published ones, in place.

    Parameters
    ----------
    model : nn.Module
        A network of the published shape, for images of one or three channels.
    name : str
        Which network it is: a name from `config.PRETRAINED`.

    Raises
    ------
    WeightsNotFoundError
        If there is neither a file nor a network.
    ValueError
        If the weights do not fit the network.
    """
    parts = parts_of(model)
    fresh = (parts.head, *NEW.get(name, ()))
    own = _without(model.state_dict(), *fresh)
    weights = _trimmed(_without(published_weights(name), *fresh), own)
    kernel = f"{parts.stem[0]}.weight"
    if model.get_parameter(kernel).shape[1] == 1:
        weights[kernel] = weights[kernel].sum(dim=1, keepdim=True)
    _require_same_shapes(weights, own, name)
    model.load_state_dict(weights, strict=False)


def published_weights(name: str) -> Weights:
    """Return the published weights by name, with the classifier that they came with.

    Raises
    ------
    WeightsNotFoundError
        If there is neither a file nor a network.
    """
    return SOURCES[name]()


def published_tokenizer(name: str) -> str:
    """Return the tokenizer that a published network for texts was trained with, as JSON.

    Raises
    ------
    WeightsNotFoundError
        If there is neither a file nor a network.
    """
    file = _from_hugging_face(TOKENIZERS[name], TOKENIZER_FILE)
    published = Path(file).read_text(encoding="utf-8")
    return tokenizer_with_padding(published) if name == "distilgpt2" else published


def _without(weights: Weights, *layers: str) -> Weights:
    starts = tuple(f"{layer}." for layer in layers)
    return {name: w for name, w in weights.items() if not name.startswith(starts)}


def _trimmed(weights: Weights, own: Weights) -> Weights:
    """Return the weights with only as many positions of a text as the network has."""
    return {
        name: weight[: len(own[name])] if name.endswith(POSITIONS) and name in own else weight
        for name, weight in weights.items()
    }


def _require_same_shapes(published: Weights, expected: Weights, name: str) -> None:
    for own in sorted(published.keys() | expected.keys()):
        shapes = [
            tuple(weights[own].shape) if own in weights else None
            for weights in (published, expected)
        ]
        if shapes[0] != shapes[1]:
            raise InputError(
                f"The published weights of {name} must fit the network, "
                f"but {own} is {shapes[0]} in them and {shapes[1]} in it."
            )


def _from_torchvision(choices: str) -> Weights:
    from torchvision import models

    source = getattr(models, choices).IMAGENET1K_V1
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(source.url).name
    try:
        weights: Weights = source.get_state_dict(
            progress=False, check_hash=True, weights_only=True, map_location="cpu"
        )
    except OSError as error:
        raise WeightsNotFoundError(_missing(str(source), file, error)) from error
    return weights


def _from_timm(tag: str) -> Weights:
    from timm.models import create_model  # takes seconds to load

    file = _from_hugging_face(f"timm/{tag}")
    model: nn.Module = create_model(tag, pretrained=True, pretrained_cfg_overlay={"file": file})
    return model.state_dict()


def _from_transformers(repository: str) -> Weights:
    """Return the weights of the network under a language model's own outputs."""
    from safetensors.torch import load_file

    weights = load_file(_from_hugging_face(repository))
    inner = repository.rpartition("/")[2].partition("-")[0]  # "distilbert"
    return {name: weight for name, weight in weights.items() if name.startswith(f"{inner}.")}


def _from_gpt2(repository: str) -> Weights:
    """Return a GPT-2's weights with a token for padding before the others."""
    from safetensors.torch import load_file

    return weights_with_padding(load_file(_from_hugging_face(repository)))


def _from_hugging_face(repository: str, name: str = WEIGHTS_FILE) -> str:
    """Return the path of the repository's weights; a cached file is found without a network."""
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    find: Any = partial(hf_hub_download, repository, name)
    try:
        return str(find(local_files_only=True))
    except LocalEntryNotFoundError:
        pass
    try:
        return str(find())
    except OSError as error:
        folder = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
        file = folder / "snapshots" / "<revision>" / name
        raise WeightsNotFoundError(_missing(repository, file, error)) from error


def _missing(what: str, file: Path, error: OSError) -> str:
    reason = str(error).strip().partition("\n")[0]
    return f"The published weights {what} are not at {file} and cannot be downloaded: {reason}"


SOURCES = {
    "resnet18": partial(_from_torchvision, "ResNet18_Weights"),
    "resnet50": partial(_from_torchvision, "ResNet50_Weights"),
    "vit_b_16": partial(_from_timm, "vit_base_patch16_224.augreg2_in21k_ft_in1k"),
    "tiny_vit": partial(_from_timm, "tiny_vit_21m_224.dist_in22k_ft_in1k"),
    "distilbert": partial(_from_transformers, DISTILBERT),
    "distilgpt2": partial(_from_gpt2, DISTILGPT2),
}
TOKENIZERS = {"distilbert": DISTILBERT, "distilgpt2": DISTILGPT2}
