"""The handover report in Swedish words: one line for each thing, for paper and for a terminal. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from vardkase.domain.exercises import ABORTED_SV
from vardkase.gateway.reporting import words
from vardkase_contracts import vocab
from vardkase_contracts.areas import KOMMUNER, Area

LEVEL: Final[Mapping[str, str]] = {"yellow": "gul", "red": "röd", "critical": "kritisk"}
CLEARED: Final[Mapping[str, str]] = {
    "recovered": "åtgärdat",
    "closed": "punkten stängd",
    "withdrawn": "rapporten återtagen",
    "retired": "punkten avvecklad",
}
ROLE: Final[Mapping[str, str]] = {
    "tib": "TiB",
    "site_lead": "platsansvarig",
    "krisledning": "krisledning",
    "stab": "stab",
    "sensor": "givare",
}
ORDER: Final[Mapping[str, str]] = {
    "order.silence": "Tystat larm",
    "order.incident": "Händelse",
    "order.report_request": "Begäran om lägesrapport",
    "order.note": "Anteckning",
    "order.adopt": "Fastställd lägesbild",
    "order.redact": "Dold uppgift",
    "order.rules": "Ändrade gränser",
    "order.exercise": "Övning",
}
SINCE: Final[Mapping[str, str]] = {
    "given": "tiden som angavs",
    "adopted": "senast fastställda lägesbild",
    "default": "12 timmar tillbaka, då ingen lägesbild är fastställd",
}
EXERCISE: Final[Mapping[str, str]] = {"running": "pågår", "stopped": "avslutad", "aborted": ABORTED_SV}
LIFECYCLES: Final[Mapping[str, str]] = {
    "open": "öppna",
    "establishing": "upprättas",
    "closing": "stänger",
    "closed": "stängda",
    "prepared": "förberedda",
    "planned": "planerade",
    "unknown": "okända",
}


class Words:
    """What the page and the terminal say of a thing."""

    level = LEVEL
    order_names = ORDER
    since = SINCE
    lifecycles = LIFECYCLES
    reality: Final[Mapping[vocab.Reality, str]] = words.REALITY

    @staticmethod
    def place(entry: Mapping[str, Any]) -> str:
        """Where something is: the point's name and its kommun, or the area's name."""
        point, name = entry.get("point"), entry.get("name")
        if point is None:
            return str(name or Words.area(str(entry.get("area", ""))))
        kommun = KOMMUNER.get(str(point)[:4])
        if str(point).endswith("-_"):
            return str(point) if kommun is None else kommun.name
        shown = str(name or point)
        return shown if kommun is None or kommun.name in shown else f"{shown}, {kommun.name}"

    @staticmethod
    def area(code: str) -> str:
        """An area's name."""
        try:
            return Area.parse(code).name
        except ValueError:
            return code

    @staticmethod
    def said(text: Mapping[str, Any]) -> str:
        """What an alert says, without the level and the name that stand beside it."""
        return str(text["sv"]).split(": ", 2)[-1]

    @staticmethod
    def alert_place(alert: Mapping[str, Any]) -> str:
        """Where an alert that stands is."""
        point = alert["point"]
        if point is None:
            return str(alert["area"]["name"])
        return Words.place({"point": point["id"], "name": point["name"]})

    @staticmethod
    def cleared(reason: str | None) -> str:
        """Why an alert ended."""
        return CLEARED.get(reason or "", "avslutat")

    @staticmethod
    def by(who: Mapping[str, Any]) -> str:
        """Who acted: a role and an area."""
        return f"{ROLE.get(str(who['role']), str(who['role']))}, {Words.area(str(who['code']))}"

    @staticmethod
    def need(value: Mapping[str, Any]) -> str:
        """What is needed: "Drivmedel 200 liter, brådskande"."""
        kind = words.NEED_KIND.get(value.get("kind", "other"), "Annat")
        quantity = value.get("quantity")
        amount = "" if quantity is None else f" {words.number(quantity)} {value.get('unit') or ''}".rstrip()
        priority = value.get("priority")
        pressing = "" if priority is None or priority == "normal" else f", {words.PRIORITY[priority]}"
        return f"{kind}{amount}{pressing}"

    @staticmethod
    def need_state(state: str, direction: str | None = "need") -> str:
        """How far a need, or a surplus, has come."""
        if direction == "surplus" and state == "requested":
            return "kan avvaras"
        return words.NEED_STATE.get(state, state)  # type: ignore[call-overload] -- a word of a newer version is shown

    @staticmethod
    def lifecycle(word: str | None) -> str:
        """A point's lifecycle."""
        return "okänt" if word is None else words.LIFECYCLE.get(word, word)  # type: ignore[call-overload]

    @staticmethod
    def activation(word: str) -> str:
        """How far a kommun has come."""
        return words.ACTIVATION.get(word, word)  # type: ignore[call-overload]

    @staticmethod
    def about(order: Mapping[str, Any]) -> str:  # noqa: PLR0911 -- one case a kind of order
        """What an order says, in short."""
        said = order["order"]
        match order["what"]:
            case "order.silence":
                return Words.matcher(said["matcher"])
            case "order.incident":
                return f"{said['name']}: {', '.join(Words.area(each) for each in said['areas'])}"
            case "order.report_request":
                asked = ", ".join(Words.area(each) for each in said["areas"])
                return f"till {asked}. {' '.join(said.get('questions', ()))}".strip()
            case "order.adopt":
                return f"{Words.area(said['code'])}, version {said['version'][:12]}"
            case "order.exercise":
                asked = ", ".join(Words.area(each) for each in said["areas"])
                return f"{said['name']}, {EXERCISE.get(said['state'], said['state'])}: {asked}"
            case "order.rules":
                return str(said["scope"])
            case _:
                return ""

    @staticmethod
    def matcher(matcher: Mapping[str, Any]) -> str:
        """Which alerts a silence is about."""
        rule = matcher.get("rule")
        parts = [words.RULE.get(rule, rule) if rule else "alla larm"]
        if matcher.get("point"):
            parts.append(Words.place({"point": matcher["point"]}))
        if matcher.get("area"):
            parts.append(Words.area(matcher["area"]))
        return ", ".join(parts)


WORDS: Final = Words()
