"""For all tests, before torch is loaded."""

import os

# Two test processes on two cores, each with two threads: those that wait would spin, and take the core from those that work.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
