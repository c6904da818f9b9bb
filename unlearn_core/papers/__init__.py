"""The papers' tables and training recipes, and the experiments behind them."""
