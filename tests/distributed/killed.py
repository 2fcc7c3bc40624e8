"""The script examples/loop_accelerate.py, whose second process is killed in step 10 of its first attempt."""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
import loop_accelerate


class Accelerator(loop_accelerate.Accelerator):
    """Kill the second process before the tenth backward."""

    steps = 0

    def backward(self, loss, **named):
        self.steps += 1
        if self.process_index == 1 and self.steps == 10 and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
            os.kill(os.getpid(), signal.SIGKILL)
        super().backward(loss, **named)


loop_accelerate.Accelerator = Accelerator
loop_accelerate.main()
