"""Schemas with one change each, and whether the gate must refuse it: of what comes in, and of what goes out."""

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

Node = dict[str, Any]


class Mutant(NamedTuple):
    """A schema after one change."""

    what: str
    schema: Node
    refused_in: bool
    refused_out: bool


class _Change(NamedTuple):
    what: str
    make: Callable[[Node], None]
    refused_in: bool
    refused_out: bool


#: The other way of each bound: what is less here, is more there.
_BOUNDS = {
    "minimum": 1, "exclusiveMinimum": 1, "minLength": 1, "minItems": 1,
    "maximum": -1, "exclusiveMaximum": -1, "maxLength": -1, "maxItems": -1, "maxProperties": -1,
}  # fmt: skip


def mutants(schema: Node) -> Iterator[Mutant]:
    """Every change of a short list, at every place of a schema where it makes sense."""
    for path in _places(schema):
        for change in _changes(_at(schema, path), schema):
            made = copy.deepcopy(schema)
            change.make(_at(made, path))
            where = "/".join(map(str, path)) or "the whole"
            yield Mutant(f"{where}: {change.what}", made, change.refused_in, change.refused_out)


def _places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if not isinstance(node, dict):
        return
    yield path
    schema = cast("Node", node)
    for key in ("items", "additionalProperties"):
        yield from _places(schema.get(key), (*path, key))
    for key in ("anyOf", "prefixItems"):
        for n, each in enumerate(schema.get(key, ())):
            yield from _places(each, (*path, key, n))
    for key in ("properties", "patternProperties", "$defs"):
        for name, each in schema.get(key, {}).items():
            yield from _places(each, (*path, key, name))


def _at(schema: Node, path: tuple[Any, ...]) -> Node:
    node: Any = schema
    for key in path:
        node = node[key]
    return node


def _changes(node: Node, root: Node) -> Iterator[_Change]:
    for name, field in node.get("properties", {}).items():
        yield from _of_field(name, field, root, required=name in node.get("required", ()))
    if "properties" in node:
        yield _Change(
            "an optional field more", lambda it: it["properties"].update(later={"type": "string"}), False, False
        )
        yield _Change("a required field more", _require_later, True, False)
    yield from _of_words(node)
    for bound, tighter in _BOUNDS.items():
        if bound in node:
            yield _Change(f"{bound} tighter", lambda it, b=bound, by=tighter: _move(it, b, by), True, False)
            if node[bound] or bound not in {"minLength", "minItems"}:
                yield _Change(f"{bound} wider", lambda it, b=bound, by=-tighter: _move(it, b, by), False, True)
    for bond in ("pattern", "format"):
        if bond in node:
            yield _Change(f"another {bond}", lambda it, b=bond: it.update({b: "^other$"}), True, True)
            yield _Change(f"no {bond}", lambda it, b=bond: it.pop(b), False, True)
    if node.get("uniqueItems"):
        yield _Change("items twice", lambda it: it.pop("uniqueItems"), False, True)
    null = {"type": "null"}
    if null in node.get("anyOf", ()):
        yield _Change("null no more", lambda it: it["anyOf"].remove(null), True, False)


def _of_field(name: str, field: Node, root: Node, *, required: bool) -> Iterator[_Change]:
    if _says_anything(field, root):
        return
    yield _Change(f"{name} removed", lambda it: _remove(it, name), True, True)
    yield _Change(f"{name} of another type", lambda it: it["properties"].update({name: _other_type(field)}), True, True)
    yield _Change(f"{name} renamed", lambda it: _rename(it, name), True, True)
    if {"type": "null"} not in field.get("anyOf", ()):
        yield _Change(f"{name} or null", lambda it: _or_null(it, name), False, True)
    if required:
        yield _Change(f"{name} may be left out", lambda it: it["required"].remove(name), False, True)
    else:
        yield _Change(f"{name} required", lambda it: it.setdefault("required", []).append(name), True, False)
    if "default" in field:
        yield _Change(f"{name} by another default", lambda it: it["properties"][name].update(default="x"), True, False)


def _of_words(node: Node) -> Iterator[_Change]:
    if isinstance(node.get("const"), str):
        yield _Change("another word", lambda it: it.update(const="later"), True, True)
    if "enum" in node:
        yield _Change("a word more", lambda it: it.update(enum=[*it["enum"], "later"]), False, False)
        yield _Change("a word less", lambda it: it.update(enum=it["enum"][1:]), True, True)
        yield _Change("a word renamed", lambda it: it.update(enum=["later", *it["enum"][1:]]), True, True)
    names = node.get("propertyNames", {}).get("enum")
    if names:
        yield _Change("a name less", lambda it: it["propertyNames"].update(enum=names[1:]), True, True)
        yield _Change("a name more", lambda it: it["propertyNames"].update(enum=[*names, "later"]), False, False)


def _says_anything(field: Node, root: Node) -> bool:
    """Whether any JSON may stand there: no other type is another."""
    if "$ref" in field:
        return _says_anything(_at(root, tuple(field["$ref"].removeprefix("#/").split("/"))), root)
    if "anyOf" in field:
        return any(_says_anything(each, root) for each in field["anyOf"])
    return not field.keys() - {"title", "description"}


def _other_type(field: Node) -> Node:
    kinds = {field.get("type"), *(each.get("type") for each in field.get("anyOf", ()))}
    return {"type": "boolean"} if "boolean" not in kinds else {"type": "integer"}


def _require_later(node: Node) -> None:
    node["properties"]["later"] = {"type": "string"}
    node.setdefault("required", []).append("later")


def _remove(node: Node, name: str) -> None:
    del node["properties"][name]
    if name in node.get("required", ()):
        node["required"].remove(name)


def _rename(node: Node, name: str) -> None:
    node["properties"]["later"] = node["properties"].pop(name)
    if name in node.get("required", ()):
        node["required"][node["required"].index(name)] = "later"


def _or_null(node: Node, name: str) -> None:
    field = node["properties"][name]
    kept = {"default": field["default"]} if "default" in field else {}
    node["properties"][name] = {"anyOf": [field, {"type": "null"}], **kept}


def _move(node: Node, bound: str, by: int) -> None:
    node[bound] += by
