"""Datasets: files of changes, those that come with the package by their name."""

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import IO, Final

from vardkase.simulator.shelters.records import MAX_LINE, Change, DatasetError, changes

_SUFFIX: Final = ".jsonl"
_SLUG_MAX: Final = 48


class Dataset:
    """A file of changes. It is read from its beginning each time, a line at a time, and never held as a whole."""

    def __init__(self, name: str, path: Path | Traversable) -> None:
        self.name = name
        """What errors call it."""
        stem = Path(path.name).name.removesuffix(_SUFFIX)
        self.slug = re.sub(r"[^A-Za-z0-9._-]+", "-", stem)[:_SLUG_MAX] or "unnamed"
        """What reports call it: its file's name without the ending, in a-z, A-Z, 0-9, '.', '_' and '-'."""
        self._path = path

    @classmethod
    def find(cls, path_or_name: str) -> "Dataset":
        """A dataset that comes with the package, by its name, or a file.

        Raises:
            DatasetError: there is neither.
        """
        shipped = _shipped()
        if path_or_name in shipped:
            return cls(path_or_name, shipped[path_or_name])
        path = Path(path_or_name)
        if not path.is_file():
            detail = "not a file that can be read twice" if path.exists() else "no such file"
            raise DatasetError(path_or_name, 0, "(file)", f"{detail}; shipped datasets: {', '.join(shipped)}")
        return cls(path_or_name, path)

    def changes(self) -> Iterator[tuple[int, Change]]:
        """Its changes with their lines' numbers, in the order of time.

        Raises:
            DatasetError: it cannot be read, or a line of it is not what it should be.
        """
        try:
            with self._path.open("rb") as file:
                yield from changes(_lines(file), self.name)
        except OSError as error:
            raise DatasetError(self.name, 0, "(file)", error.strerror or str(error)) from error


def shipped_datasets() -> tuple[str, ...]:
    """The names of the datasets that come with the package."""
    return tuple(_shipped())


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Lines, of one that is too long no more than shows it."""
    while line := file.readline(MAX_LINE + 1):
        yield line


def _shipped() -> dict[str, Traversable]:
    folder = files("vardkase.simulator").joinpath("datasets")
    found = {file.name.removesuffix(_SUFFIX): file for file in folder.iterdir() if file.name.endswith(_SUFFIX)}
    return dict(sorted(found.items()))
