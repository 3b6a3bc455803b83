"""JSON Schema (2020-12) of every event and output, generated from the models; one file each, all checked in.

`generate()` gives the files of `contracts/schemas/v1/`, the AsyncAPI document among them.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final, Literal, NamedTuple, cast

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from vardkase_contracts import orders, reports
from vardkase_contracts.alert import Alert
from vardkase_contracts.audit import AuditEvent
from vardkase_contracts.base import Frozen
from vardkase_contracts.picture import Picture
from vardkase_contracts.public import PublicKommun, PublicPoint, PublicTombstone
from vardkase_contracts.refusals import RejectedEvent
from vardkase_contracts.state import State
from vardkase_contracts.subjects import Family

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
"""The version of JSON Schema."""
ID_PREFIX: Final = "urn:tp:schema:v1:"
"""What every `$id` begins with; after it stands the document's name."""

CLOUDEVENT: Final = "application/cloudevents+json"
JSON: Final = "application/json"


class Document(NamedTuple):
    """Something that is published under a subject."""

    name: str
    """Its name in files and documents: `report.status`."""
    family: Family
    """Under which subjects it stands."""
    model: type[Frozen]
    """What it looks like."""
    content_type: Literal["application/cloudevents+json", "application/json"]
    """An event, or a value."""


DOCUMENTS: Final[tuple[Document, ...]] = (
    *(
        Document(f"report.{model.kind}", "report", model, CLOUDEVENT)
        for model in (
            reports.RegisterReport,
            reports.StatusReport,
            reports.ResourcesReport,
            reports.NeedReport,
            reports.ConfirmReport,
            reports.HeartbeatReport,
            reports.ContactReport,
            reports.ActivationReport,
            reports.WithdrawReport,
            reports.RetireReport,
        )
    ),
    *(
        Document(f"order.{model.kind}", "order", model, CLOUDEVENT)
        for model in (
            orders.AckOrder,
            orders.SilenceOrder,
            orders.IncidentOrder,
            orders.ReportRequestOrder,
            orders.NoteOrder,
            orders.AdoptOrder,
            orders.RedactOrder,
            orders.RulesOrder,
            orders.ExerciseOrder,
        )
    ),
    Document("rejected", "rejected", RejectedEvent, CLOUDEVENT),
    Document("audit", "audit", AuditEvent, CLOUDEVENT),
    Document("state", "state", State, JSON),
    Document("picture", "picture", Picture, JSON),
    Document("alert", "alert", Alert, JSON),
    Document("public.point", "public", PublicPoint, JSON),
    Document("public.kommun", "public", PublicKommun, JSON),
    Document("public.tombstone", "public", PublicTombstone, JSON),
)
"""Everything that is published, but for accepted reports, which are the reports themselves."""


class _Schema(GenerateJsonSchema):
    """Pydantic's, without what would mislead.

    A field's title repeats its name. A default of `null` would say that leaving a field out and giving `null` are the
    same: in a report the one says nothing, the other "unknown now".
    """

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        del schema
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The default, unless it is `null`."""
        made = super().default_schema(schema)
        if "default" in made and made["default"] is None:
            del made["default"]
        return made

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Keys of a pattern, and no others: pydantic says what is under such keys, not that there are no others."""
        made = super().dict_schema(schema)
        if "patternProperties" in made:
            made["additionalProperties"] = False
        return made


def document_schema(document: Document) -> dict[str, Any]:
    """The JSON Schema of one document, complete in itself."""
    made = document.model.model_json_schema(schema_generator=_Schema)
    definitions = _tidied(made.pop("$defs", {}), made, "#/$defs/")
    schema = {"$schema": DIALECT, "$id": f"{ID_PREFIX}{document.name}", **made}
    return {**schema, "$defs": definitions} if definitions else schema


def component_schemas() -> dict[str, Any]:
    """The schemas of all documents and their parts by name, referring to each other under `#/components/schemas/`."""
    _, made = models_json_schema([(document.model, "validation") for document in DOCUMENTS], schema_generator=_Schema)
    return _tidied(made["$defs"], {}, "#/components/schemas/")


def _tidied(definitions: dict[str, Any], root: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The definitions, named by their titles; references in them and in the root are made to follow.

    Pydantic names a generic's definitions by all that is in its parameters.
    """
    names = {name: str(schema.get("title", name)) for name, schema in definitions.items()}
    if len(set(names.values())) != len(names):
        raise ValueError("two models of different shapes have one name")
    refs = {f"#/$defs/{name}": f"{prefix}{title}" for name, title in names.items()}
    _follow(root, refs)
    _follow(definitions, refs)
    return {names[name]: schema for name, schema in definitions.items()}


def _follow(node: Any, refs: Mapping[str, str]) -> None:
    if isinstance(node, dict):
        branch = cast("dict[str, Any]", node)
        ref = branch.get("$ref")
        if isinstance(ref, str):
            branch["$ref"] = refs[ref]
        for inner in branch.values():
            _follow(inner, refs)
    elif isinstance(node, list):
        for inner in cast("list[Any]", node):
            _follow(inner, refs)


def example(name: str) -> Any:
    """An example of a document, by its name.

    Raises:
        FileNotFoundError: there is no document with this name.
    """
    path = files("vardkase_contracts").joinpath("data", "examples", f"{name}.json")
    return json.loads(path.read_text(encoding="utf-8"))


def to_bytes(document: Any) -> bytes:
    """As it stands in a file: sorted keys, UTF-8, a line feed at the end."""
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def generate() -> dict[str, bytes]:
    """Every file of `contracts/schemas/v1/` by its name there."""
    # AsyncAPI is built from what stands here.
    from vardkase_contracts.asyncapi import asyncapi  # noqa: PLC0415

    made = {f"{document.name}.json": to_bytes(document_schema(document)) for document in DOCUMENTS}
    return made | {"asyncapi.json": to_bytes(asyncapi())}
