"""Runs: made by the pipeline, kept in the store, read as artefacts."""
