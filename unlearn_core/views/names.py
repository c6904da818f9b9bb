"""What all pages and figures call the sets of examples and the two reference models."""

from __future__ import annotations

SET_SYMBOLS = {
    "forget": "D_f",
    "retain": "D_r",
    "forget_test": "D_ft",
    "retain_test": "D_rt",
    "test": "D_t",
}
SET_NAMES = {
    "forget": f"{SET_SYMBOLS['forget']} (to forget)",
    "retain": f"{SET_SYMBOLS['retain']} (retained)",
    "forget_test": f"{SET_SYMBOLS['forget_test']} (test, forgotten)",
    "retain_test": f"{SET_SYMBOLS['retain_test']} (test, retained)",
}
REFERENCE_NAMES = {"original": "Original", "retrain": "Retrained"}
INCREMENTAL_NAMES = {"old": "Old model", "new": "New model"}
