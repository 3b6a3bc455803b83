"""`vardkase schema export DIR`: the published schemas, as files."""

from pathlib import Path
from typing import Annotated, Final

import typer

from vardkase.runtime.errors import Failed
from vardkase_contracts.schemas import generate

app: Final = typer.Typer(
    add_completion=False, help="The published schemas: JSON Schema, AsyncAPI and OpenAPI.", no_args_is_help=True
)


@app.callback()
def schema() -> None:
    """The published schemas: JSON Schema, AsyncAPI and OpenAPI."""


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Made when it is not there.")],
) -> None:
    """Writes every schema to a directory: one file a document, asyncapi.json and openapi.json.

    Files of the same names are replaced; others are left alone.
    """
    from vardkase.gateway.openapi import published  # noqa: PLC0415 -- a web framework, for this command alone

    made = generate() | {"openapi.json": published()}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in made.items():
            (directory / name).write_bytes(content)
    except OSError as error:
        raise Failed(f"{error.filename or directory}: {error.strerror}") from None
    typer.echo(f"{len(made)} files in {directory}")
