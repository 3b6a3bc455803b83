"""The words of the public page: Swedish, and one place for each; the page's script is given the same ones."""

from collections.abc import Mapping
from typing import Any, Final

from vardkase.gateway.reporting.words import KIND, SERVICE
from vardkase_contracts import vocab

STATUS: Final[Mapping[str, str]] = {
    "open": "Öppen",
    "opening": "Öppnar",
    "unconfirmed": "Obekräftat om den är öppen",
    "none": "Ingen uppgift om den är öppen",
    "planned": "Planerad, inte öppen",
    "closed": "Stängd",
}
"""In the order in which points are shown. `none`: the kommun shows where it is, and nothing more."""

AVAILABILITY: Final[Mapping[str, str]] = {
    "normal": "Tar emot besökare",
    "limited": "Tar emot begränsat",
    "full": "Tar inte emot fler",
    "unknown": "Okänt om den tar emot",
}

CROWDING: Final[Mapping[vocab.Crowding, str]] = {
    "low": "gott om plats",
    "medium": "ganska många besökare",
    "high": "nästan fullt",
    "full": "fullt",
    "unknown": "okänt hur många besökare",
}

STATE: Final[Mapping[str, str]] = {
    "available": "finns",
    "limited": "begränsat",
    "stopped": "nere just nu",
    "planned": "planeras",
    "unknown": "osäkert",
}

ACCESSIBILITY: Final[Mapping[str, str]] = {
    "wheelchair": "rullstol",
    "step_free": "utan trappsteg",
    "accessible_toilet": "tillgänglig toalett",
    "hearing_loop": "hörslinga",
    "guide_dog": "ledarhund",
    "ada_compliant": "tillgänglighetsanpassad",
}
"""An open vocabulary: a code that is not here is shown as it is."""


def for_script() -> dict[str, Any]:
    """All of them, for the page's script."""
    return {
        "statuses": STATUS,
        "availability": AVAILABILITY,
        "crowding": CROWDING,
        "services": SERVICE,
        "states": STATE,
        "kinds": KIND,
        "accessibility": ACCESSIBILITY,
    }
