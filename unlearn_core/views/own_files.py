"""What a person brought: images, trained weights and methods, in words and as a table."""

from __future__ import annotations

from unlearn_core.data.uploads import Upload


def kept_text(upload: Upload) -> str:
    """Return what was kept of given images, in one sentence."""
    skipped = f" {upload.n_skipped} other files were left out." if upload.n_skipped else ""
    return (
        f"Kept: {upload.name}, {upload.n_train:,} images for training and {upload.n_test:,} for "
        f"testing, in {len(upload.classes)} classes ({_few(upload.classes)}).{skipped}"
    )


def _few(names: tuple[str, ...], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
