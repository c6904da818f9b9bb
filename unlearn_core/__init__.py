"""Compute core of the unlearning dashboard. Never imports Streamlit."""

import os

# Threads of torch spin while they wait for each other.  Beside any other busy process (a second
# run, a browser) that makes a step many times slower, so let them sleep; read when torch loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
