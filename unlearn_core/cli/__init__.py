"""`python -m unlearn_core ...`: the pipeline without a browser."""
