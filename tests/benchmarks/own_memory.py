"""Measure the peak of memory with which `own_data` reads a large CSV file.

    python tests/benchmarks/own_memory.py [--megabytes 50 200 1000]

It writes made-up rows of about 200 characters, reads the file in a new process, and prints by how much that
process grew at its peak beyond what the libraries take, and how long it took. A file of more than
`tables.SAMPLE_ABOVE` bytes is sampled. Prints Markdown.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from report import Table

READ = """
import json, resource, sys, time
import datasets, pandas, psutil
from helpers.data import own_data
before = psutil.Process().memory_info().rss
began = time.perf_counter()
mine = own_data(sys.argv[1])
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
kept = sum(map(len, mine.dataset.values()))
print(json.dumps([mine.rows_read, kept, grown / 1e6, time.perf_counter() - began]))
"""


def write(file: Path, megabytes: int) -> None:
    """Write rows until the file has so many megabytes."""
    number = 0
    with file.open("w", encoding="utf-8") as out:
        out.write("text,label\n")
        while out.tell() < megabytes * 1e6:
            for _ in range(1_000):
                number += 1
                words = " ".join(f"word{(number * step) % 9_973}" for step in range(1, 22))
                out.write(f'"Message {number}, {words}",{"good" if number % 3 else "bad"}\n')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", nargs="+", type=int, default=[50, 200, 1_000])
    options = parser.parse_args()
    rows = []
    for megabytes in options.megabytes:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "messages.csv")
            write(file, megabytes)
            done = subprocess.run(
                [sys.executable, "-c", READ, file], capture_output=True, text=True, check=True,
                cwd=Path(__file__).resolve().parents[2],
            )  # fmt: skip
            read, kept, peak, seconds = json.loads(done.stdout.splitlines()[-1])
            rows.append([megabytes, read, kept, peak, seconds])
    columns = ["MB of CSV", "rows read", "rows kept", "peak, MB", "seconds"]
    print(Table("Reading a large CSV file", columns, rows).markdown())


if __name__ == "__main__":
    main()
