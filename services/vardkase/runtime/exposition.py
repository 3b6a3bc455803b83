"""Several processes' metrics as one: Prometheus' text format, with a label that tells the processes apart."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SAMPLE: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})?(\s+\S+(?:\s+-?[0-9]+)?)\s*")

_SUFFIXES: Final = frozenset({"", "_bucket", "_count", "_sum", "_total", "_created", "_info"})


def merge(parts: Mapping[str, str], *, label: str = "service") -> str:
    """One valid exposition of several.

    A family that several have is told of once, and its samples stand together, as the format demands. What is no
    sample is left out: one process's broken output must not hide the others'.

    Args:
        parts: each process's name and text.
        label: the label that holds the name. A sample that has it already keeps its own as `exported_<label>`.
    """
    heads: dict[str, list[str]] = {}
    samples: dict[str, list[str]] = {}
    for name, text in parts.items():
        for family, line in _families(text):
            if line.startswith("#"):
                head = heads.setdefault(family, [])
                if not any(_same(line, other) for other in head):
                    head.append(line)
            elif marked := _marked(line, label, name):
                samples.setdefault(family, []).append(marked)
    lines = [line for family, found in samples.items() for line in (*heads.get(family, ()), *found)]
    return "\n".join([*lines, ""])


def family(name: str, kind: str, text: str, samples: Sequence[tuple[Mapping[str, str], float]]) -> str:
    """One family of metrics as text.

    Args:
        name: of the samples.
        kind: `gauge` or `counter`.
        text: what it tells.
        samples: labels and value of each.
    """
    lines = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    for labels, value in samples:
        shown = ",".join(f'{key}="{_escaped(held)}"' for key, held in labels.items())
        lines.append(f"{name}{{{shown}}} {value:.15g}" if shown else f"{name} {value:.15g}")
    return "\n".join([*lines, ""])


def _families(text: str) -> Iterator[tuple[str, str]]:
    """Each line with the family it belongs to: the one told of last, if the sample is one of its."""
    current = ""
    for line in text.splitlines():
        if line.startswith(("# HELP ", "# TYPE ")):
            current = line.split(" ", 3)[2]
            yield current, line
        elif line and not line.startswith("#"):
            own = re.split(r"[{\s]", line, maxsplit=1)[0]
            yield (current if own.startswith(current) and own[len(current) :] in _SUFFIXES else own), line


def _same(line: str, other: str) -> bool:
    """Whether both are the HELP, or both the TYPE, of one family: a second is an error in the format."""
    return line.split(" ", 2)[1] == other.split(" ", 2)[1]


def _marked(line: str, label: str, name: str) -> str | None:
    if not (match := _SAMPLE.fullmatch(line)):
        return None
    own = (match[2] or "{}")[1:-1].strip().rstrip(",")
    own = re.sub(rf'(^|,)\s*{label}="', rf'\1exported_{label}="', own)
    labels = f'{label}="{_escaped(name)}"' + (f",{own}" if own else "")
    return f"{match[1]}{{{labels}}}{match[3]}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
