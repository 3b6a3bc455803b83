"""The table of rules from YAML: the built-in one, or an operator's."""

from importlib.resources import files
from pathlib import Path

import yaml
from pydantic import ValidationError

from vardkase.domain.rules import Rules
from vardkase.runtime.errors import Refused


def load_rules(path: Path | None) -> Rules:
    """The table of a file; of none, the built-in one.

    Raises:
        Refused: the file cannot be read, or is no table of rules: one line that names the file and what is wrong.
    """
    where = "the built-in rules" if path is None else f"rules file {path}"
    try:
        text = (files("vardkase.domain") / "default-1.yaml" if path is None else path).read_text(encoding="utf-8")
        return Rules.model_validate(yaml.safe_load(text))
    except OSError as error:
        raise Refused(f"{where}: cannot be read: {error.strerror or error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise Refused(f"{where}: {field + ': ' if field else ''}{message}") from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:  # also what YAML's dates and numbers stumble over
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise Refused(f"{where}{line}: is not YAML") from None
