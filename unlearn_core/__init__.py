"""Compute core of the unlearning dashboard. Never imports Streamlit."""
