"""Whether a CPU stands in for the GPU: GPU_TESTS_ON_CPU=1 runs the tests in sizes that it can do.

Then they show that their own steps are right, and promise nothing about speed.
"""

import os

ON_CPU = os.environ.get("GPU_TESTS_ON_CPU") == "1"
