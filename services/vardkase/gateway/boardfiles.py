"""The board's files, read once: under their version's address they never change, so a browser asks for each once."""

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from jinja2 import Environment, StrictUndefined

PREFIX: Final = "/board/static"
"""Under which the files lie; their version comes next."""
_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_PAGES: Final = ".html"


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file, as it is sent."""

    data: bytes
    media_type: str
    etag: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """All of them, as they were when the process started."""

    version: str
    """Of all together: another when any of them is another."""
    files: Mapping[str, File]
    """By path, with `/`."""
    pages: Mapping[str, str]
    """Templates by name."""

    @property
    def base(self) -> str:
        """What a page puts before a file's path."""
        return f"{PREFIX}/{self.version}"

    @property
    def modules(self) -> list[str]:
        """Paths of the modules, so that a page can have them all fetched at once."""
        return sorted(path for path in self.files if path.endswith(".js") and path != "js/first.js")

    def page(self, name: str, **given: str) -> bytes:
        """A page, with what is given in its places.

        Raises:
            KeyError: there is no such page.
        """
        made = _environment().from_string(self.pages[name])
        return made.render(base=self.base, modules=self.modules, **given).encode()


@cache
def board_files() -> Files:
    """Read them."""
    found = dict(_walk(files("vardkase.gateway") / "web" / "board", ""))
    version = hashlib.blake2b(digest_size=8)
    for path in sorted(found):
        version.update(path.encode() + b"\0" + found[path] + b"\0")
    return Files(
        version=version.hexdigest(),
        files={path: _file(path, data) for path, data in found.items() if not path.endswith(_PAGES)},
        pages={path: data.decode() for path, data in found.items() if path.endswith(_PAGES)},
    )


def _file(path: str, data: bytes) -> File:
    suffix = path[path.rindex(".") :]
    kind = _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    return File(data=data, media_type=kind, etag=hashlib.blake2b(data, digest_size=12).hexdigest())


def _walk(folder: Traversable, before: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for each in folder.iterdir():
        if each.is_dir():
            found += _walk(each, f"{before}{each.name}/")
        elif not each.name.startswith("."):
            found.append((f"{before}{each.name}", each.read_bytes()))
    return found


@cache
def _environment() -> Environment:
    return Environment(autoescape=True, undefined=StrictUndefined)
