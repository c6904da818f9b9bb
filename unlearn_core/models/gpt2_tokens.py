"""The published GPT-2 with a token for padding, number 0, as every vocabulary has one here.

All published numbers become one larger.  The token that GPT-2 ends a text with also marks where one
begins, as it does between the texts that it was trained on.
"""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor

from unlearn_core.checks import InputError
from unlearn_core.data.tokens import SPECIAL

END = "<|endoftext|>"
EMBEDDING = "transformer.wte.weight"
MASKS = (".attn.bias", ".attn.masked_bias")  # constants that older files hold among the weights
OUTPUTS = "lm_head."


def weights_with_padding(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a GPT-2's weights by this project's names, with a row of zeros for padding.

    The head is left out, for it is the embedding; files may leave out the prefix `transformer.`.
    """
    weights = {
        name if name.startswith("transformer.") else f"transformer.{name}": weight
        for name, weight in published.items()
        if not name.startswith(OUTPUTS) and not name.endswith(MASKS)
    }
    embedding = weights[EMBEDDING]
    weights[EMBEDDING] = torch.cat([embedding.new_zeros(1, embedding.shape[1]), embedding])
    return weights


def tokenizer_with_padding(published: str) -> str:
    """Return GPT-2's tokenizer, as JSON, with the token for padding, and a mark of beginnings.

    Raises
    ------
    InputError
        If it has no token that ends a text.
    """
    content: dict[str, Any] = json.loads(published)
    vocabulary: dict[str, int] = content["model"]["vocab"]
    if END not in vocabulary:
        raise InputError(f"GPT-2's tokenizer must have the token {END}; this one has not.")
    moved = {name: number + 1 for name, number in vocabulary.items()}
    content["model"]["vocab"] = {SPECIAL[0]: 0, **moved}
    first = {"id": 0, "content": SPECIAL[0], "special": True}
    usual = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    content["added_tokens"] = [{**usual, **first}] + [
        {**token, "id": token["id"] + 1} for token in content["added_tokens"]
    ]
    begin = {"SpecialToken": {"id": END, "type_id": 0}}
    rest = {"Sequence": {"id": "A", "type_id": 0}}
    content["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [begin, rest],
        "pair": [begin, rest, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {END: {"id": END, "ids": [moved[END]], "tokens": [END]}},
    }
    return json.dumps(content, ensure_ascii=False)
