"""The table of rules that the node judges by, as it stands in its file: what was judged must be told of later."""

from importlib.resources import files

import yaml

from vardkase.runtime.errors import Refused
from vardkase.runtime.settings import Settings


def rules_text(settings: Settings) -> tuple[str, bytes]:
    """The version that the table gives itself, and its text. Whether it is a good table the aggregator says.

    Raises:
        Refused: it cannot be read.
    """
    path = settings.rules_file
    where = "the built-in rules" if path is None else f"rules file {path}"
    try:
        text = (files("vardkase.domain") / "default-1.yaml" if path is None else path).read_bytes()
        return str(yaml.safe_load(text)["version"])[:200], text
    except OSError as error:
        raise Refused(f"{where}: cannot be read: {error.strerror or error}") from None
    except (ValueError, TypeError, LookupError, RecursionError, yaml.YAMLError):
        raise Refused(f"{where}: is no table of rules") from None
