"""May this schema follow that one? `jsoncompat` compares; here stands only what it is asked.

It asks one thing of two schemas: is every value of the one a value of the other? Our rule is another in a few places,
so both schemas are put into a form in which the two are the same (`_Form`):

- What comes in (reports, orders) must still be taken, and still be read: an optional field may come, none may go,
  though anything is a value of a field that is not there. So objects are closed.
- What goes out must stay readable by who reads by the old schema, ignores fields that it does not know, and takes a
  word that it does not know as "other" (docs/app-developer.md). So a vocabulary may grow and not shrink, and no field
  may go, also an optional one.
- `pattern`, `format` and a report's `default` are not compared by jsoncompat 0.3; here a pattern or format may be
  dropped where more is taken than before, and otherwise they stay as they are.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal, cast

import jsoncompat

#: What comes in must stay accepted; what goes out must stay readable.
Direction = Literal["in", "out"]

_ROLES: dict[Direction, Literal["serializer", "deserializer"]] = {"in": "deserializer", "out": "serializer"}
_PLAIN = (
    "type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems",
    "uniqueItems", "minProperties", "maxProperties", "required", "$ref",
)  # fmt: skip
_SINGLE = ("items", "additionalProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_BY_NAME = ("properties", "patternProperties", "$defs")
_BONDS = ("pattern", "format", "contentEncoding")
_OF_TEXT = (*_BONDS, "minLength", "maxLength", "enum", "const")
#: What only tells, and what is looked at apart.
_TELLING = frozenset(
    {"$schema", "$id", "title", "description", "examples", "default", "propertyNames", "discriminator"}
)


def direction_of(family: str) -> Direction:
    """The direction of a document, by its family in `vardkase_contracts.schemas`."""
    return "in" if family in {"report", "order"} else "out"


def is_compatible(old: Mapping[str, Any], new: Mapping[str, Any], direction: Direction) -> bool:
    """Whether a schema may follow another within a version.

    Raises:
        ValueError: a schema uses a keyword that nobody has thought about here.
    """
    form = _Form(direction)
    return jsoncompat.check_compat(json.dumps(form.of(old)), json.dumps(form.of(new)), _ROLES[direction])


class _Form:
    """Schemas in the form in which "every value of the one is a value of the other" is our rule."""

    def __init__(self, direction: Direction) -> None:
        self.incoming = direction == "in"

    def of(self, node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        schema = cast("dict[str, Any]", node)
        unknown = schema.keys() - {*_PLAIN, *_SINGLE, *_LISTS, *_BY_NAME, *_OF_TEXT, *_TELLING}
        if unknown:
            raise ValueError(f"decide in {__name__} how {sorted(unknown)} may change")
        made: dict[str, Any] = {key: schema[key] for key in _PLAIN if key in schema}
        if schema.get("type") == "string":
            return self._text(schema)
        made |= {key: schema[key] for key in ("enum", "const") if key in schema}
        made |= {key: self.of(schema[key]) for key in _SINGLE if key in schema}
        made |= {key: [self.of(each) for each in schema[key]] for key in _LISTS if key in schema}
        made |= {key: {name: self.of(each) for name, each in schema[key].items()} for key in _BY_NAME if key in schema}
        return self._object(schema, made) if schema.get("type") == "object" else made

    def _text(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """A text as what binds it, side by side: pattern, format, and length with words."""
        words = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if words is not None and not self.incoming:
            return _words(words)
        text = {key: schema[key] for key in ("type", "minLength", "maxLength", "enum", "const") if key in schema}
        bonds = [{"const": schema[key]} if key in schema else {} for key in _BONDS]
        return {"type": "array", "prefixItems": [*bonds, text], "minItems": 4, "maxItems": 4}

    def _object(self, schema: Mapping[str, Any], made: dict[str, Any]) -> dict[str, Any]:
        fields: Mapping[str, Any] = schema.get("properties", {})
        properties: dict[str, Any] = dict(made.get("properties", {}))
        required: list[str] = list(schema.get("required", ()))
        if self.incoming:
            if "properties" in schema and made.get("additionalProperties", True) in (True, {}):
                made["additionalProperties"] = False
            if "propertyNames" in schema:
                made["propertyNames"] = schema["propertyNames"]
            # A field that is left out means its default: that must not become another.
            properties |= {f"default of {name}": {"const": field.get("default")} for name, field in fields.items()}
        else:
            properties["fields"] = _words(fields)
            properties["names"] = _words(schema.get("propertyNames", {}).get("enum", ()))
            required += ["fields", "names"]
        return made | {"properties": properties, "required": required}


def _words(words: Any) -> dict[str, Any]:
    """Words of which more may come and none may go, for a reader: an object that must have each of them."""
    return {"type": "object", "required": list(words), "properties": {word: {"const": word} for word in words}}


def lost(old: Any, new: Any, path: str = "") -> list[str]:
    """What stands in an AsyncAPI document and not in a later one, but for texts and for schemas, which are compared.

    A subject, a stream, a message, a header, a word of a parameter: more may come, none may go or become another.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        before, after = cast("dict[str, Any]", old), cast("dict[str, Any]", new)
        gone = [f"{path}/{name}" for name in before if name not in after and name not in _TEXTS]
        both = [name for name in before if name in after and name not in _TEXTS]
        return gone + [fault for name in both for fault in lost(before[name], after[name], f"{path}/{name}")]
    if isinstance(old, list) and isinstance(new, list):
        kept = [_without_texts(each) for each in cast("list[Any]", new)]
        return [f"{path}: {each}" for each in map(_without_texts, cast("list[Any]", old)) if each not in kept]
    return [] if old == new else [f"{path}: {old} became {new}"]


_TEXTS = frozenset({"description", "title", "summary", "info", "schemas"})


def _without_texts(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    return {name: each for name, each in cast("dict[str, Any]", node).items() if name not in _TEXTS}
