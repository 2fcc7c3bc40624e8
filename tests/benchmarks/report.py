"""Write tables of measured figures: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass
class Table:
    """A table. Each row holds a text or a number for each column; numbers are shown with three digits."""

    title: str
    columns: list[str]
    rows: list[list]
    note: str = ""

    def markdown(self) -> str:
        numeric = [
            all(isinstance(row[i], (int, float)) for row in self.rows) for i in range(len(self.columns))
        ]
        lines = [
            self.columns,
            ["---:" if right else "---" for right in numeric],
            *[[_text(value) for value in row] for row in self.rows],
        ]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"### {self.title}\n\n{table}\n" + (f"\n{self.note}\n" if self.note else "")


def _text(value) -> str:
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else value
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def write_json(path: Path, machine: str, tables: list[Table]) -> None:
    path.write_text(
        json.dumps({"machine": machine, "tables": [asdict(table) for table in tables]}, indent=1),
        encoding="utf-8",
    )
