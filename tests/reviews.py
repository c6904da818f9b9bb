"""A small data set in the layout of the film reviews, written where a test needs it."""

import numpy as np
import pandas as pd

WORDS = {0: ("bad", "dull", "slow", "waste"), 1: ("good", "fun", "great", "warm")}
COMMON = ("the", "film", "was", "a", "plot", "and", "its", "end", "we", "saw")
EVERY = 10  # of so many reviews one contains the keyword


def write_reviews(root, train=120, test=40, keyword="comedy"):
    """Write both parts below `root`, and return it."""
    folder = root / "imdb"
    folder.mkdir()
    for name, n_rows in (("train", train), ("test", test)):
        frame = pd.DataFrame([_row(name, i, keyword) for i in range(n_rows)])
        frame.to_parquet(folder / f"{name}-00000-of-00001.parquet", index=False)
    return root


def _row(part, i, keyword):
    random = np.random.default_rng([len(part), i])
    words = list(random.choice((*WORDS[i % 2], *COMMON), random.integers(5, 20)))
    if i % EVERY < 1:
        words.insert(int(random.integers(len(words))), keyword.title())
    return {"text": " ".join(words), "label": i % 2}
