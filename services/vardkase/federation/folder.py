"""The folder of a node's secrets, beside the federation's file: what its files are called."""

from typing import Final

SECRETS: Final = "secrets"
"""The folder of all folders."""
AUTHORITY: Final = "authority"
"""The folder of the one who makes certificates; of no node."""
CA: Final = "ca.crt"
"""The authority's certificate."""
CERTIFICATE: Final = "tls.crt"
"""The node's own."""
CERTIFICATE_KEY: Final = "tls.key"
LINK: Final = "link.nk"
"""The seed of the nkey of its link to its parent."""
SIGN: Final = "sign.key"
"""The key that a kommun's reports are signed with."""
