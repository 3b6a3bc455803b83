"""How a webhook knows that a notification is ours and new: the headers of Standard Webhooks, HMAC-SHA256.

https://github.com/standard-webhooks/standard-webhooks: what is signed is `<id>.<timestamp>.<body>`.
"""

import base64
import hashlib
import hmac


def headers(*, id: str, timestamp: int, body: bytes, secret: bytes) -> dict[str, str]:  # noqa: A002 -- the convention's
    """The headers of one attempt.

    Args:
        id: of the delivery; the same at each attempt, so that a receiver knows a repeat.
        timestamp: of the attempt, seconds since the epoch, so that it knows an old one.
        body: what is sent.
        secret: shared with the receiver.
    """
    signed = f"{id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": id, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{signature}"}


def delivery_id(*parts: str) -> str:
    """An id of a delivery that is the same whoever makes it of the same parts."""
    return f"msg_{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}"
