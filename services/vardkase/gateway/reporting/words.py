"""The words of the form and the desk: Swedish, and one place for each."""

from collections.abc import Mapping
from typing import Any, Final

from vardkase_contracts import vocab

REALITY: Final[Mapping[vocab.Reality, str]] = {"act": "Skarpt läge", "exe": "Övning", "tst": "Prov"}

KIND: Final[Mapping[vocab.PointKind, str]] = {
    "trygghetspunkt": "Trygghetspunkt",
    "varmestuga": "Värmestuga",
    "informationsplats": "Informationsplats",
    "samlingsplats": "Samlingsplats",
    "evakueringslokal": "Evakueringslokal",
    "nodvatten": "Nödvattenplats",
}

LIFECYCLE: Final[Mapping[vocab.Lifecycle, str]] = {
    "planned": "planerad",
    "prepared": "förberedd",
    "establishing": "öppnar",
    "open": "öppen",
    "closing": "stänger",
    "closed": "stängd",
}
"""`establishing` is "under upprättande"; on a button "Öppnar"."""

AVAILABILITY: Final[Mapping[vocab.Availability, str]] = {
    "normal": "plats finns",
    "limited": "begränsat",
    "full": "fullt",
}

CONDITION: Final[Mapping[vocab.Condition, str]] = {
    "green": "grön",
    "yellow": "gul",
    "red": "röd",
    "critical": "kritisk",
    "unknown": "okänd",
    "not_applicable": "ej öppen",
}

SERVICE: Final[Mapping[vocab.ServiceCode, str]] = {
    "information": "Information",
    "emergency_call": "Larma 112",
    "charging": "Ladda mobil",
    "electricity": "El till besökare",
    "heat": "Värme",
    "drinking_water": "Dricksvatten",
    "water_distribution": "Vatten att hämta",
    "hot_drink": "Varm dryck",
    "food": "Mat",
    "first_aid": "Första hjälpen",
    "crisis_support": "Krisstöd",
    "toilet": "Toalett",
    "shower": "Dusch",
    "rest": "Vila",
    "overnight": "Övernattning",
    "medical_device_charging": "El till medicinteknik",
    "children": "Barnhörna",
    "pets": "Husdjur får följa med",
    "interpreter": "Tolk",
    "radio": "Radio",
}

SERVICE_STATE: Final[Mapping[vocab.ServiceState, str]] = {
    "available": "finns",
    "limited": "begränsat",
    "stopped": "nere",
    "planned": "planerad",
}

POWER: Final[Mapping[str, str]] = {
    "mains": "elnätet",
    "backup": "reservkraft",
    "battery": "batteri",
    "none": "ingen el",
    "not_connected": "ingen el: reservkraften är inte inkopplad",
    "fault": "ingen el: fel på reservkraften",
    "off": "ingen el: reservkraften är avstängd",
}
"""What a point runs on, in the answers that the form takes."""

WATER: Final[Mapping[vocab.WaterSource, str]] = {"mains": "kranvatten", "tank": "tank"}

COMMS: Final[Mapping[str, str]] = {
    "can_call_112": "Går det att ringa 112?",
    "mobile": "Mobilnät",
    "internet": "Internet",
    "fixed": "Fast telefon",
    "rakel": "Rakel",
    "satellite": "Satellit",
}

COMMS_SHORT: Final[Mapping[str, str]] = {
    "can_call_112": "112",
    "mobile": "mobilnät",
    "internet": "internet",
    "fixed": "fast telefon",
    "rakel": "Rakel",
    "satellite": "satellit",
}

NEED_KIND: Final[Mapping[vocab.NeedKind, str]] = {
    "fuel": "Drivmedel",
    "power": "El, elverk",
    "staff": "Personal",
    "water": "Vatten",
    "food": "Mat",
    "medical": "Sjukvård, medicin",
    "heat": "Värme",
    "transport": "Transport",
    "equipment": "Utrustning",
    "other": "Annat",
}

NEED_STATE: Final[Mapping[vocab.NeedState, str]] = {
    "requested": "begärt",
    "assigned": "tilldelat",
    "under_way": "på väg",
    "delivered": "levererat",
    "cancelled": "behövs inte längre",
}

PRIORITY: Final[Mapping[vocab.Priority, str]] = {
    "urgent": "brådskande",
    "high": "hög",
    "normal": "normal",
    "low": "låg",
}

CHANNEL: Final[Mapping[vocab.Channel, str]] = {
    "phone": "telefon",
    "rakel": "Rakel",
    "sms": "sms",
    "form": "formulär",
    "app": "app",
    "sensor": "givare",
}

CONTACT: Final[Mapping[vocab.ContactResult, str]] = {"reached": "nådd", "failed": "ej nådd"}

ACTIVATION: Final[Mapping[vocab.ActivationState, str]] = {
    "none_needed": "inget behov",
    "assessing": "bedömer läget",
    "activating": "öppnar punkter",
    "active": "punkter är öppna",
}

RULE: Final[Mapping[str, str]] = {
    "power.endurance": "reservkraften räcker inte länge",
    "power.battery": "batteriet tar snart slut",
    "power.lost": "ingen el",
    "power.not_connected": "elverk inte anslutet",
    "report.incomplete": "el eller personal ej rapporterat",
    "staff.short": "för lite personal",
    "staff.next_shift": "nästa pass saknar personal",
    "capacity.high": "snart fullt",
    "water.low": "lite vatten",
    "heat.low": "för kallt",
    "comms.112": "kan inte larma 112",
    "service.stopped": "viktig funktion nere",
    "closing.occupied": "stänger med besökare kvar",
    "need.overdue": "behov inte mött i tid",
    "freshness.stale": "ingen ny rapport",
    "area.silent": "kommunen är tyst",
    "area.red_share": "många röda punkter",
}

ASPECT: Final[Mapping[str, str]] = {
    "lifecycle": "öppen eller stängd",
    "availability": "plats",
    "occupancy": "besökare",
    "power": "el",
    "staff": "personal",
    "comms": "telefon och nät",
    "refill": "påfyllning",
    "next_shift": "nästa pass",
    "water": "vatten",
    "heat": "värme",
    "capacity_day": "platser, dag",
    "capacity_night": "platser, natt",
    "message": "meddelande",
    "note": "anteckning",
    "opens_at": "öppnar",
    "closes_at": "stänger",
    "activation": "aktivering",
}


def aspect(code: str) -> str:
    """An aspect of a state in Swedish."""
    if code.startswith("services."):
        return SERVICE.get(code.removeprefix("services."), code)  # type: ignore[call-overload]
    return ASPECT.get(code, code)


def number(value: float) -> str:
    """A number as it is written in Swedish: 1 200, 12,5."""
    whole = int(value)
    if whole == value:
        return f"{whole:,}".replace(",", "\N{NO-BREAK SPACE}")
    return f"{value:.2f}".rstrip("0").replace(".", ",")


def power(value: Mapping[str, Any] | None) -> str:
    """A reading of the power in words, without its quantities."""
    if value is None or "source" not in value:
        return "okänt"
    return POWER[power_answer(value)]


def power_answer(value: Mapping[str, Any]) -> str:
    """Which of the form's answers a reading of the power is."""
    state = value.get("backup_state")
    if value["source"] in {"backup", "none"} and state in {"not_connected", "fault", "off"}:
        return state
    return value["source"]
