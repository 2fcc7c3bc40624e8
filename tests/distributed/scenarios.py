"""Train with examples/loop_accelerate.py several times in the same processes: importing takes the longest.

The one argument is a file with a list of trainings in JSON: their options, a file for what goes wrong, and
whether the script forgets cpu=True. In the end, the cells of notebook 8 run in these processes, too.
"""

import json
import os
import sys
from pathlib import Path

from accelerate.state import AcceleratorState

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
import loop_accelerate
import notebook_cells


class Accelerator(loop_accelerate.Accelerator):
    """Stay together after the end of a training."""

    def end_training(self):
        self.wait_for_everyone()


def accelerator_for_gpus(cpu, **named) -> Accelerator:
    return Accelerator(**named)


for training in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
    loop_accelerate.Accelerator = accelerator_for_gpus if training["forgets_cpu"] else Accelerator
    try:
        loop_accelerate.main(training["options"])
    except (RuntimeError, ValueError) as error:
        Path(training["failure"]).write_text(str(error), encoding="utf-8")
    AcceleratorState._reset_state(True)

notebook_cells.run(Path(sys.argv[1]).parent, int(os.environ["RANK"]))
