"""Every test runs offline, on one thread, with the bundled profile."""

import os
import sys
import tempfile
from pathlib import Path

# Before any library is imported: no test may reach for the Hub.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("FINETUNE_PROFILE", "offline")
os.environ.pop("FINETUNE_RUNS", None)
os.environ["KERAS_BACKEND"] = "torch"  # Keras would look for TensorFlow
# Notebook 5 opens the sealed exam: whoever runs the tests has not taken it.
_DATA_HOME = tempfile.TemporaryDirectory(prefix="finetuning-course-tests-")
os.environ["XDG_DATA_HOME"] = _DATA_HOME.name
# There are as many test processes as cores. Twice as many threads would take ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))
