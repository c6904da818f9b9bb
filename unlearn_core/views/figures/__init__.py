"""Figures: a data frame in, a plotly figure out. One file a topic."""
