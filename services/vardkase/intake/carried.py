"""What of a publisher's headers enters the log: a signature, and nothing else. It is carried, not believed.

It is verified where reports are merged, by keys that intake does not have.
"""

import hashlib
from typing import Final

from vardkase.runtime.jetstream.headers import read
from vardkase_contracts import signing

_NAME: Final = signing.HEADER.encode()


def signature_of(head: bytes) -> str | None:
    """The signature in a message's headers, as it is to stand in the log; None: it has none.

    What is no signature stays none: it is cut and cleaned, so that a stranger's header can neither break a line of ours
    nor fill the log.
    """
    if _NAME not in head:
        return None
    value = read(head).get(signing.HEADER)
    if not value or signing.parse(value) is not None:
        return value or None
    return "".join(each if "!" <= each <= "~" else "?" for each in value[: signing.LONGEST_HEADER])


def fingerprint(data: bytes, signature: str | None) -> bytes:
    """What tells one copy of a report from another: its bytes, and what it is signed with.

    The same bytes signed otherwise are another copy: one that was sent unsigned, or with a wrong key, must not keep out
    the one that counts.
    """
    digest = hashlib.sha256(data)
    if signature is not None:
        digest.update(b"\0" + signature.encode())
    return digest.digest()
