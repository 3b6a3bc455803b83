"""Tables as text."""

import os
from collections.abc import Sequence


def show(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table in Markdown, so that it can be kept as it is; numbers stand to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    numbers = [all(row[column][:1].isdigit() or not row[column] for row in rows) for column in range(len(head))]
    for row in (head, ["-" * width for width in widths], *rows):
        cells = (
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numbers, strict=True)
        )
        print(f"| {' | '.join(cells)} |", flush=True)


def load() -> str:
    """How busy the machine was in the last minute, for the reader to judge the figures by."""
    return f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
