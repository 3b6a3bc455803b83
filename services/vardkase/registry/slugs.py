"""A point's slug from its name: the same every time, whatever else stands in the file."""

import hashlib
import re
import unicodedata
from typing import Final

LONGEST: Final = 40
_SUFFIX: Final = 4
#: Letters that Unicode does not take apart.
_LETTERS: Final = str.maketrans({"ø": "o", "æ": "ae", "ß": "ss", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "œ": "oe"})


def slug(name: str) -> str:
    """The slug of a name: a-z, 0-9 and -, at most 40; empty when nothing of the name is left.

    å and ä become a, ö becomes o; what is neither letter nor digit becomes one hyphen.
    """
    text = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS)).encode("ascii", "ignore").decode()
    return _cut(re.sub(r"[^a-z0-9]+", "-", text).strip("-"), LONGEST)


def told_apart(base: str, by: str) -> str:
    """A slug for one of several points of the same name, by what tells it from the others."""
    return f"{stem_of(base)}-{hashlib.sha256(by.encode()).hexdigest()[:_SUFFIX]}"


def stem_of(base: str) -> str:
    """What a slug made by `told_apart` begins with."""
    return _cut(base, LONGEST - _SUFFIX - 1)


def stems(found: str) -> tuple[str, ...]:
    """What a slug may have been made of: itself, and the stem of one that was told apart."""
    told = re.fullmatch(rf"(.+)-[0-9a-f]{{{_SUFFIX}}}", found)
    return (found,) if told is None else (found, told[1])


def _cut(text: str, longest: int) -> str:
    """The beginning, whole words if that leaves most of it."""
    if len(text) <= longest:
        return text
    head = text[:longest]
    words = head.rpartition("-")[0] if text[longest] != "-" else head
    return (words if len(words) >= longest // 2 else head).strip("-")
