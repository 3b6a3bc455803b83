"""`vardkase schema`: the published schemas."""

from pathlib import Path
from typing import Annotated, Final

import typer

from vardkase.runtime.errors import Failed

app: Final = typer.Typer(help="The published schemas: JSON Schema and AsyncAPI.", no_args_is_help=True)


@app.callback()
def schema() -> None:
    """Takes no options of its own."""
