import os
import sys
from pathlib import Path

# Before any library is imported: no test may reach for the Hub.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("FINETUNE_PROFILE", "offline")
sys.path.insert(0, str(Path(__file__).parent))
