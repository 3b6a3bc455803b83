"""What a cell says, as a field of a register report: numbers and words as people write them, in Swedish or in code."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, get_args

from vardkase.registry import coordinates
from vardkase.registry.fields import plain
from vardkase.registry.table import Cell
from vardkase_contracts import vocab
from vardkase_contracts.areas import KOMMUNER

_KINDS: Final = {
    "trygghetspunkter": "trygghetspunkt",
    "varmestugor": "varmestuga",
    "informationspunkt": "informationsplats",
    "uppsamlingsplats": "samlingsplats",
    "temporarsamlingsplats": "samlingsplats",
    "evakueringsplats": "evakueringslokal",
    "evakueringslokaler": "evakueringslokal",
    "nodvattenplats": "nodvatten",
    "nodvattentank": "nodvatten",
}
_PUBLISH: Final = {
    **dict.fromkeys(("dold", "nej", "hemlig", "intern", "ejpublik", "no", "false"), "hidden"),
    **dict.fromkeys(("listad", "lista", "listas"), "listed"),
    **dict.fromkeys(("direkt", "lage"), "live"),
}
_BACKUP: Final = {
    **dict.fromkeys(("ingen", "nej", "saknas", "inget", "no"), "none"),
    **dict.fromkeys(("anslutning", "inkoppling", "intag", "anslutningformobilt", "forberedd"), "inlet"),
    **dict.fromkeys(("mobil", "mobilt", "mobiltelverk"), "mobile"),
    **dict.fromkeys(("fast", "stationar", "stationart", "fastelverk"), "fixed"),
}
_MOBILITY: Final = {**dict.fromkeys(("fast", "stationar"), "fixed"), **dict.fromkeys(("mobil", "rorlig"), "mobile")}
_SERVICES: Final = {
    "krisinformation": "information",
    **dict.fromkeys(("nodsamtal", "112", "larma112", "ringa112"), "emergency_call"),
    **dict.fromkeys(("laddning", "laddamobil", "mobilladdning", "laddningavmobil"), "charging"),
    **dict.fromkeys(("el", "strom"), "electricity"),
    **dict.fromkeys(("varme", "uppvarmning", "varmlokal"), "heat"),
    **dict.fromkeys(("vatten", "dricksvatten"), "drinking_water"),
    **dict.fromkeys(("nodvatten", "vattenattta", "vattenatthamta", "vattenutdelning"), "water_distribution"),
    **dict.fromkeys(("varmdryck", "kaffe", "fika"), "hot_drink"),
    **dict.fromkeys(("mat", "enklaremat", "livsmedel"), "food"),
    **dict.fromkeys(("forstahjalpen", "enklaforstahjalpen", "sjukvard"), "first_aid"),
    **dict.fromkeys(("krisstod", "samtalsstod", "posom"), "crisis_support"),
    **dict.fromkeys(("toalett", "toaletter", "wc"), "toilet"),
    "dusch": "shower",
    **dict.fromkeys(("vila", "viloplats"), "rest"),
    **dict.fromkeys(("overnattning", "sovplats", "sovplatser"), "overnight"),
    **dict.fromkeys(
        ("medicinskladdning", "laddningavmedicintekniskutrustning", "medicinteknik"), "medical_device_charging"
    ),
    **dict.fromkeys(("barn", "barnhorna"), "children"),
    **dict.fromkeys(("husdjur", "sallskapsdjur"), "pets"),
    **dict.fromkeys(("tolk", "tolkning"), "interpreter"),
    **dict.fromkeys(("radiomottagare", "p4"), "radio"),
}
_ACCESS: Final = {
    **dict.fromkeys(("rullstol", "rullstolsanpassad", "rullstolsanpassat", "rullstolstillganglig"), "wheelchair"),
    **dict.fromkeys(("trappfritt", "stegfritt", "utantrappor"), "step_free"),
    **dict.fromkeys(("rwc", "hwc", "tillgangligtoalett", "handikapptoalett"), "accessible_toilet"),
    **dict.fromkeys(("horslinga", "teleslinga", "horselslinga"), "hearing_loop"),
    **dict.fromkeys(("parkering", "pplats"), "parking"),
}
_KOMMUN_OF: Final = {plain(each.name): code for code, each in KOMMUNER.items()}
_CODE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def parse(field: str, cell: Cell) -> Any:
    """What a cell says; None of an empty one: unknown.

    Args:
        field: one of `fields.PROFILE`.
        cell: as it stands in the file.

    Raises:
        ValueError: what was expected, in Swedish.
    """
    return None if cell is None or cell == "" else _PARSERS[field](cell)


def kommun(cell: Cell) -> str:
    """The code of a kommun: `2480`, `480` (a spreadsheet took the 0), `Umeå`, `Umeå kommun`.

    Raises:
        ValueError: there is none.
    """
    text = line(cell)
    code = text.removesuffix(".0").rjust(4, "0")
    if code in KOMMUNER:
        return code
    name = plain(re.sub(r"\s+(kommun|stad)$", "", text.strip(), flags=re.IGNORECASE))
    found = _KOMMUN_OF.get(name) or _KOMMUN_OF.get(name.removesuffix("s"))
    if found is None:
        raise ValueError(f"en kommun väntades, som 2480 eller Umeå, inte {text[:60]!r}")
    return found


def coordinate(cell: Cell) -> float:
    """One coordinate.

    Raises:
        ValueError: it is no number.
    """
    if isinstance(cell, float):
        return cell
    return coordinates.number(line(cell))


def line(cell: Cell) -> str:
    """A cell as one line of text; empty of an empty one."""
    match cell:
        case float():
            return str(int(cell)) if cell.is_integer() else str(cell)
        case tuple():
            return ", ".join(cell)
        case str():
            return " ".join(cell.split())
        case _:
            return ""


def _whole(cell: Cell) -> int:
    value = _number(cell)
    if not value.is_integer():
        raise ValueError(f"ett heltal väntades, inte {line(cell)[:40]!r}")
    return int(value)


def _number(cell: Cell) -> float:
    return cell if isinstance(cell, float) else coordinates.number(line(cell))


def _word(words: Sequence[str], swedish: Mapping[str, str]) -> Callable[[Cell], str]:
    by_plain = {plain(word): word for word in words}

    def parse_word(cell: Cell) -> str:
        text = line(cell)
        key = plain(text)
        found = by_plain.get(key) or swedish.get(key)
        if found is None:
            raise ValueError(f"ett av {', '.join(words)} väntades, inte {text[:40]!r}")
        return found

    return parse_word


def _words(parse_one: Callable[[Cell], str]) -> Callable[[Cell], list[str]]:
    def parse_words(cell: Cell) -> list[str]:
        parts = cell if isinstance(cell, tuple) else re.split(r"[,;|/\n]| och ", line(cell).strip("[]"))
        found = (parse_one(part.strip().strip("\"'")) for part in parts if part.strip().strip("\"'"))
        return list(dict.fromkeys(found))

    return parse_words


def _access(cell: Cell) -> str:
    text = line(cell)
    found = _ACCESS.get(plain(text)) or re.sub(r"\s+", "_", text.casefold())
    if not _CODE.fullmatch(found):
        raise ValueError(f"ett ord av a-z, 0-9, _ och - väntades (som wheelchair), inte {text[:40]!r}")
    return found


_PARSERS: Final[Mapping[str, Callable[[Cell], Any]]] = {
    "name": line,
    "kind": _word(vocab.POINT_KINDS, _KINDS),
    "publish": _word(vocab.PUBLISHES, _PUBLISH),
    "no": _whole,
    "address": line,
    "org_unit": line,
    "serves": _words(kommun),
    "local_label": line,
    "service_level": _whole,
    "mobility": _word(vocab.MOBILITIES, _MOBILITY),
    "planned_services": _words(_word(get_args(vocab.ServiceCode), _SERVICES)),
    "accessibility": _words(_access),
    "capacity_day": _whole,
    "capacity_night": _whole,
    "staff_required": _whole,
    "staff_min": _whole,
    "backup_type": _word(vocab.BACKUP_TYPES, _BACKUP),
    "refill_lead_h": _number,
    "fuel_priority": _whole,
}
