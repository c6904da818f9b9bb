"""A small data set in the layout of ELI5-Category, written where a test needs it."""

from dataclasses import replace

import numpy as np
import pandas as pd

from unlearn_core.config import ForgetConfig, TrainingConfig
from unlearn_core.runs.plan import comparison_config

SHAPE = {"width": 16, "layers": 2, "heads": 2, "length": 24, "vocabulary": 300}
CATEGORIES = {
    "Biology": ("cells", "leaf", "blood", "eye", "grow", "live"),
    "Engineering": ("bolt", "bridge", "gear", "pump", "steel", "turn"),
    "Music": ("drum", "loud", "note", "song", "string", "tune"),
}
COMMON = ("why", "does", "a", "the", "and", "so", "it")


def write_explanations(root, train=90, test=30):
    """Write both parts below `root`, and return it."""
    folder = root / "eli5_category"
    folder.mkdir()
    for name, n_rows in (("train", train), ("test", test)):
        frame = pd.DataFrame([_row(name, i) for i in range(n_rows)])
        frame.to_parquet(folder / f"{name}-00000-of-00001.parquet", index=False)
    return root


def _row(part, i):
    category = list(CATEGORIES)[i % len(CATEGORIES)]
    random = np.random.default_rng([len(part), i])
    words = random.choice((*CATEGORIES[category], *COMMON), random.integers(3, 16))
    return {
        "title": f"Why does the {words[0]} {words[1]}?",
        "text": " ".join(words),
        "category": category,
    }


def asked(category="Engineering"):
    """Return the config of the smallest comparison on it."""
    forget = ForgetConfig(kind="class", values=(list(CATEGORIES).index(category),))
    shape = {name: n for name, n in SHAPE.items() if name != "width"}
    start = comparison_config("eli5_category", forget, width=SHAPE["width"], shape=shape)
    recipe = TrainingConfig(
        epochs=6, batch_size=16, learning_rate=1e-2, optimizer="adamw", momentum=0.0
    )
    return replace(start, training=recipe)
