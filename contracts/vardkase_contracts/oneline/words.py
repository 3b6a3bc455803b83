"""The words and letters of the one-line report. One place for each; `docs/enradsrapport.md` says the same."""

from collections.abc import Mapping
from typing import Final

from vardkase_contracts import vocab
from vardkase_contracts.oneline.values import Means, PowerCode, WaterCode

PREFIX: Final = "TP"
REALITIES: Final[Mapping[str, vocab.Reality]] = {"SKARPT": "act", "ÖVNING": "exe", "OVNING": "exe", "PROV": "tst"}
UNCHANGED: Final = ("OFÖRÄNDRAT", "OFORANDRAT")
ALL: Final = "ALLT"

LIFECYCLES: Final[Mapping[str, vocab.Lifecycle]] = {
    "L": "planned",
    "F": "prepared",
    "U": "establishing",
    "O": "open",
    "A": "closing",
    "X": "closed",
}
POWERS: Final[Mapping[str, PowerCode]] = {code: code for code in ("0", "1", "2", "3", "4", "5", "6")}
WATERS: Final[Mapping[str, WaterCode]] = {code: code for code in ("0", "1", "2")}
MEANS: Final[Mapping[str, Means]] = {"M": "mobile", "F": "fixed", "I": "internet", "R": "rakel", "S": "satellite"}

NEED_KINDS: Final[Mapping[str, vocab.NeedKind]] = {
    "FUEL": "fuel",
    "POWER": "power",
    "STAFF": "staff",
    "WATER": "water",
    "FOOD": "food",
    "MEDICAL": "medical",
    "HEAT": "heat",
    "TRANSPORT": "transport",
    "EQUIPMENT": "equipment",
    "OTHER": "other",
    "DRIVMEDEL": "fuel",
    "EL": "power",
    "PERSONAL": "staff",
    "VATTEN": "water",
    "MAT": "food",
    "SJUKVÅRD": "medical",
    "SJUKVARD": "medical",
    "VÄRME": "heat",
    "VARME": "heat",
    "UTRUSTNING": "equipment",
    "ANNAT": "other",
}
"""The first ten are how a need is said back."""
UNITS: Final[Mapping[str, str]] = {"L": "l", "KG": "kg", "KW": "kW", "ST": "st", "PERS": "persons"}
URGENT: Final = "AKUT"
NEED_STATES: Final[Mapping[str, vocab.NeedState]] = {
    "PÅVÄG": "under_way",
    "PAVAG": "under_way",
    "KLAR": "delivered",
    "UTGÅR": "cancelled",
    "UTGAR": "cancelled",
}

# -- said back ---------------------------------------------------------------------------------------------------------

REALITY_SAID: Final[Mapping[vocab.Reality, str]] = {"act": "SKARPT LÄGE", "exe": "ÖVNING", "tst": "PROV"}
LIFECYCLE_SAID: Final[Mapping[vocab.Lifecycle, str]] = {
    "planned": "planerad",
    "prepared": "förberedd",
    "establishing": "under upprättande",
    "open": "öppen",
    "closing": "stänger",
    "closed": "stängd",
}
POWER_SAID: Final[Mapping[PowerCode, str]] = {
    "0": "ingen el",
    "1": "el från nätet",
    "2": "reservkraft i drift",
    "3": "el från batteri",
    "4": "reservkraften avstängd",
    "5": "reservkraften inte ansluten",
    "6": "fel på reservkraften",
}
MEANS_SAID: Final[Mapping[Means, str]] = {
    "mobile": "mobilnät",
    "fixed": "fast telefoni",
    "internet": "internet",
    "rakel": "Rakel",
    "satellite": "satellit",
}
NEED_SAID: Final[Mapping[vocab.NeedKind, str]] = {
    "fuel": "drivmedel",
    "power": "el",
    "staff": "personal",
    "water": "vatten",
    "food": "mat",
    "medical": "sjukvård",
    "heat": "värme",
    "transport": "transport",
    "equipment": "utrustning",
    "other": "annat",
}
UNIT_SAID: Final[Mapping[str, str]] = {"l": "liter", "kg": "kg", "kW": "kW", "st": "st", "persons": "personer"}
STATE_SAID: Final[Mapping[vocab.NeedState, str]] = {
    "under_way": "på väg",
    "delivered": "levererat",
    "cancelled": "utgår",
}
