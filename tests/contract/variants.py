"""Values that a schema allows, turn by turn: every word, both ends of every range, null, and what may be left out."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from vardkase_contracts.schemas import Document, document_schema, example

#: Enough turns for the longest vocabulary of one field (kinds of need) to come round.
TURNS: Final = 16
#: The turn in which everything that may be left out is, and the one in which everything that may be null is.
LEFT_OUT, NULL = 1, 2
#: One instant as it may be written, and others: RFC 3339 leaves a choice.
_TIMES = (
    "2026-11-20T09:00:00+01:00",
    "2026-11-20T08:00:00Z",
    "2026-11-20t07:59:59.5z",
    "2026-11-21T00:15:00.123456789+14:00",
    "2026-11-19T20:30:00-12:00",
    "2000-01-01T00:00:00Z",
    "2099-12-31T23:59:59Z",
)
_TEXT = "Åäö, ÅÄÖ “quotes”, \\ and 🔌 "
#: A number for what has no range: sums in what goes out.
_LARGE = 10**9


def variants(document: Document) -> list[dict[str, Any]]:
    """Events of a document's kind, one a turn: the first is the example with every field, the second the barest.

    Only `data` varies, and of the envelope what may be left out.
    """
    schema = document_schema(document)
    made: dict[str, dict[str, Any]] = {}
    for turn in range(TURNS):
        event = _Maker(schema, turn).of(schema, example(document.name))
        event |= {name: example(document.name)[name] for name in ("id", "source", "subject", "time", "reality")}
        made.setdefault(json.dumps(event, sort_keys=True), event)
    return list(made.values())


class _Maker:
    """Makes a value by a schema, of one turn; `model` is an example of the value, where there is one."""

    def __init__(self, root: Mapping[str, Any], turn: int) -> None:
        self.root, self.turn = root, turn

    def of(self, node: Mapping[str, Any], model: Any) -> Any:
        if "$ref" in node:
            return self.of(self._at(node["$ref"]), model)
        if "anyOf" in node:
            return self._of_any(node["anyOf"], model)
        makers = {"object": self._object, "array": self._array, "string": self._text}
        maker = makers.get(node.get("type", ""))
        return self._pick(_plain(node, model)) if maker is None else maker(node, model)

    def _of_any(self, branches: list[Mapping[str, Any]], model: Any) -> Any:
        if {"type": "null"} in branches and self.turn == NULL:
            return None
        others = [branch for branch in branches if branch != {"type": "null"}]
        return self.of(self._pick(others), model)

    def _object(self, node: Mapping[str, Any], model: Any) -> dict[str, Any]:
        models: Mapping[str, Any] = model if isinstance(model, dict) else {}
        fields: Mapping[str, Any] = node.get("properties", {})
        made: dict[str, Any] = {}
        for at, (name, field) in enumerate(sorted(fields.items())):
            # One in seven of what may be left out is, each turn others.
            absent = self.turn == LEFT_OUT or (self.turn > NULL and (at + self.turn) % 7 == 0)
            if name in node.get("required", ()) or not absent:
                made[name] = self.of(field, models.get(name))
        for pattern in node.get("patternProperties", {}).values():
            made |= {name: self.of(pattern, each) for name, each in models.items()}
        return made

    def _array(self, node: Mapping[str, Any], model: Any) -> list[Any]:
        models: list[Any] = model if isinstance(model, list) else []
        least, most = node.get("minItems", 0), node.get("maxItems", 3)
        words = node["items"].get("enum")
        if words is not None:
            return words[: max(least, (len(words), 1, 0)[self.turn % 3])]
        full = (models * most)[:most] if not node.get("uniqueItems") else models
        return self._pick((full, full[:1], full[:least]))

    def _text(self, node: Mapping[str, Any], model: Any) -> str:
        if {"const", "enum"} & node.keys():
            return self._pick(_plain(node, model))
        if node.get("format") == "date-time":
            return self._pick(_TIMES)
        if "maxLength" in node and isinstance(model, str) and " " in model:  # a text for people
            longest = (_TEXT * node["maxLength"])[: node["maxLength"]].rstrip().ljust(node["maxLength"], ".")
            return self._pick((model, longest, _TEXT[: max(1, node.get("minLength", 0))]))
        if isinstance(model, str):
            return model
        return "2480-backen" if "-" in node.get("pattern", "") else "A1"

    def _pick(self, values: Any) -> Any:
        return values[self.turn % len(values)]

    def _at(self, ref: str) -> Mapping[str, Any]:
        node: Any = self.root
        for key in ref.removeprefix("#/").split("/"):
            node = node[key]
        return node


def _plain(node: Mapping[str, Any], model: Any) -> Sequence[Any]:
    """The values of what has no parts."""
    if "const" in node or "enum" in node:
        return node.get("enum", [node.get("const")])
    kinds = {"boolean": (True, False), "null": (None,), None: (model, 1, "text", {"a": [None]})}
    kind = node.get("type")
    return _numbers(node) if kind in {"integer", "number"} else kinds[kind]


def _numbers(node: Mapping[str, Any]) -> list[float]:
    """A plain number, both ends, and, unless it must be whole, one with a fraction."""
    step = 1 if node["type"] == "integer" else 0.25
    least = node.get("minimum", node.get("exclusiveMinimum", -step) + step)
    most = node.get("maximum", node.get("exclusiveMaximum", _LARGE + step) - step)
    middle = min(max(7, least), most)
    return [middle, least, most] if step == 1 else [middle, least, most, min(max(12.75, least), most)]
