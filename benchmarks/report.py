"""What was measured, as plain tables for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class Report:
    """Prints each part as it is done, and keeps it."""

    def __init__(self) -> None:
        self.results: dict[str, Any] = {}

    def title(self, text: str) -> None:
        """Begin a part."""
        print(f"\n{text}\n{'-' * len(text)}", flush=True)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Print columns: names to the left, numbers to the right."""
        texts = [list(head), *([_text(cell) for cell in row] for row in rows)]
        widths = [max(len(row[column]) for row in texts) for column in range(len(head))]
        for row in texts:
            cells = [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]
            print("  ".join(cells).rstrip(), flush=True)

    def line(self, text: str) -> None:
        """Print a line below a table."""
        print(text, flush=True)

    def keep(self, part: str, values: dict[str, Any]) -> None:
        """Keep the numbers of a part."""
        self.results[part] = values

    def write(self, path: Path) -> None:
        """Write all numbers as JSON."""
        path.write_text(json.dumps(self.results, indent=2) + "\n")


def _text(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}" if abs(cell) < 1 else f"{cell:.1f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
