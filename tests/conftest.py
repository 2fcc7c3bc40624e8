import os
import sys
from pathlib import Path

# Before any library is imported: no test may reach for the Hub.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("FINETUNE_PROFILE", "offline")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the tests run in as many processes as there are cores; twice as many threads take ten times as long
sys.path.insert(0, str(Path(__file__).parent))
