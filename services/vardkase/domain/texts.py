"""What an alert says to people, in Swedish and English. Never a number that decays: those stand in its fields."""

from typing import Any

from .finding import Verdict

_LEVEL_SV = {"yellow": "Gul", "red": "Röd", "critical": "Kritisk"}
_LEVEL_EN = {"yellow": "Yellow", "red": "Red", "critical": "Critical"}

_TEXTS: dict[str, tuple[str, str]] = {
    "power.endurance": ("reservkraften räcker inte länge till", "backup power will not last much longer"),
    "power.battery": ("batteriet är snart slut", "the battery is nearly out"),
    "power.lost": ("ingen el", "no power"),
    "power.not_connected": ("väntar på mobilt elverk", "waiting for a mobile generator"),
    "report.incomplete": (
        "el, bemanning eller uthållighet har inte rapporterats",
        "power, staff or endurance not reported",
    ),
    "staff.short": ("för lite personal", "too few staff"),
    "staff.next_shift": ("nästa pass saknar bemanning", "nobody covers the next shift"),
    "capacity.high": ("nästan fullt", "nearly full"),
    "water.low": ("vattnet räcker inte länge till", "water will not last much longer"),
    "heat.low": ("för kallt inomhus", "too cold indoors"),
    "comms.112": ("kan inte larma 112", "cannot call 112"),
    "service.stopped": ("en viktig funktion är nere", "a vital service has stopped"),
    "closing.occupied": ("stänger, men människor är kvar", "closing while people remain"),
    "need.overdue": ("ett angeläget behov är inte mött i tid", "an urgent need was not met in time"),
    "freshness.stale": ("ingen ny rapport", "no new report"),
    "area.silent": ("kommunen är tyst", "the kommun is silent"),
    "area.red_share": ("många punkter har allvarliga brister", "many points are in serious trouble"),
}
_DERIVED: dict[str, tuple[str, str]] = {
    "power.endurance": (" (beräknat)", " (computed)"),
    "power.battery": (" (beräknat)", " (computed)"),
    "power.lost": (": bränsle eller batteri är slut enligt beräkning", ": computed to have run out"),
    "staff.next_shift": (": passet har börjat utan känd bemanning", ": the shift has begun, staff unknown"),
}


def rule_words(rule: str) -> tuple[str, str]:
    """What a rule is about, in Swedish and in English; of one that is not known here, its name."""
    return _TEXTS.get(rule, (rule, rule))


def text_of(verdict: Verdict, name: str) -> dict[str, Any]:
    """One line in each language: level, name, what runs short."""
    swedish, english = _TEXTS[verdict.rule]
    if verdict.derived:
        more_sv, more_en = _DERIVED.get(verdict.rule, ("", ""))
        swedish, english = swedish + more_sv, english + more_en
    return {
        "sv": f"{_LEVEL_SV[verdict.level]}: {name}: {swedish}",
        "en": f"{_LEVEL_EN[verdict.level]}: {name}: {english}",
    }
