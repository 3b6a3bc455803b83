"""The keys that this node signs with: of reports that are made here, or taken in from those who cannot sign."""

from collections.abc import Mapping
from pathlib import Path

from vardkase.federation.folder import SECRETS, SIGN
from vardkase.runtime.errors import Refused
from vardkase.runtime.settings import Settings
from vardkase_contracts.areas import Area
from vardkase_contracts.client.signer import Ed25519Signer
from vardkase_contracts.signing import Signer

_SETTING = "VARDKASE_SIGN_KEY"


def signers_of(settings: Settings) -> Mapping[str, Signer]:
    """The keys to sign with, by kommun; none when the node has none.

    Args:
        settings: `sign_key`, else the node's secrets; of a kommun's node one file, of others a folder with a file of
            each kommun that it takes reports in for.

    Raises:
        Refused: a file holds no key, cannot be read, or can be read by others too.
    """
    area = Area.parse(settings.area)
    path = settings.sign_key
    if path is None:
        if settings.federation is None or area.level != "kommun":
            return {}
        found = (settings.keys or settings.federation.parent / SECRETS / settings.node) / SIGN
        return {area.code: read_signer(found)} if found.exists() else {}
    if path.is_dir():
        return {each.stem: read_signer(each) for each in sorted(path.glob("*.key")) if area.covers(each.stem)}
    if area.level != "kommun":
        raise Refused(f"{_SETTING}: expected a folder with a key of each kommun (2480.key): this is no kommun's node")
    return {area.code: read_signer(path)}


def read_signer(path: Path, setting: str = _SETTING) -> Signer:
    """The key in a file.

    Args:
        path: of the file.
        setting: what the file was named by, for the error.

    Raises:
        Refused: it holds none, cannot be read, or can be read by others too.
    """
    try:
        return Ed25519Signer.from_file(path)
    except PermissionError as error:
        raise Refused(f"{setting}: {error}") from None
    except OSError as error:
        raise Refused(f"{setting}: {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise Refused(f"{setting}: {path}: {error}") from None
