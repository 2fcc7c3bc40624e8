"""A machine for the tests: two cores, no GPU."""

from helpers.machine import Machine

CPU = Machine(host="local", device="cpu", device_name="x86_64", memory_gb=8, cores=2, bf16=False, fp16=False)
