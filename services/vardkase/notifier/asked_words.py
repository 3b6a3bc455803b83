"""What is said of a request for reports to whoever is notified of it: in Swedish, a line and a few."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from vardkase.domain.asking import Call
from vardkase_contracts.areas import KOMMUNER, Area

from .words import PREFIX, local

_IN_LINE: Final = 5
"""So many kommuner are named in the line."""
_BELOW: Final = 60
"""And so many below it: as many as any län has."""


def summary(call: Call, request: Mapping[str, Any], reality: str) -> tuple[str, str]:
    """One line, in Swedish and in English."""
    sv, en = _asked(call, request) if call.side == "asked" else _given(call, request)
    return f"{PREFIX[reality]}{sv}", f"{PREFIX[reality]}{en}"


def description(line: str, call: Call, request: Mapping[str, Any]) -> str:
    """What more there is to know: what was said, what is asked, who has not answered."""
    lines = [line]
    if request["note"]:
        lines.append(str(request["note"]))
    lines += [f"Fråga: {each}" for each in request["questions"]]
    if call.over is None:
        lines.append(f"Svar senast: {local(request['deadline'])}")
        if call.area.level != "kommun":
            lines.append(f"Har inte svarat: {names(request['missing'], _BELOW)}")
    return "\n".join(lines)


def names(kommuner: Sequence[str], most: int) -> str:
    """The names of kommuner, at most so many."""
    told = ", ".join(KOMMUNER[code].name if code in KOMMUNER else code for code in kommuner[:most])
    more = len(kommuner) - most
    return f"{told} … och {more} till" if more > 0 else told


def _asked(call: Call, request: Mapping[str, Any]) -> tuple[str, str]:
    by = request["by"]
    who, until = Area(by["level"], by["code"]).name, local(request["deadline"])
    match call.over:
        case "answered":
            return f"Begäran om lägesrapport från {who} är besvarad", f"Request for reports from {who}: answered"
        case "withdrawn":
            return f"Begäran om lägesrapport från {who} är återkallad", f"Request for reports from {who}: withdrawn"
        case None:
            pass
    of = "" if call.area.level == "kommun" else f" ({request['answered']} av {request['asked']} kommuner har svarat)"
    of_en = "" if call.area.level == "kommun" else f" ({request['answered']} of {request['asked']} have answered)"
    if call.late:
        sv = f"Tiden är ute: {who} begärde lägesrapport senast {until}{of}"
        return sv, f"Overdue: {who} asked for reports by {until}{of_en}"
    if call.level == "red":
        sv = f"Påminnelse: {who} begär lägesrapport senast {until}{of}"
        return sv, f"Reminder: {who} asks for reports by {until}{of_en}"
    return f"{who} begär lägesrapport senast {until}{of}", f"{who} asks for reports by {until}{of_en}"


def _given(call: Call, request: Mapping[str, Any]) -> tuple[str, str]:
    answered, asked, missing = request["answered"], request["asked"], request["missing"]
    until = local(request["deadline"])
    match call.over:
        case "answered":
            sv = f"Begäran om lägesrapport senast {until}: alla har svarat ({asked} av {asked})"
            return sv, f"Request for reports by {until}: all have answered ({asked} of {asked})"
        case "withdrawn":
            sv = f"Begäran om lägesrapport senast {until} är återkallad: {answered} av {asked} hade svarat"
            return sv, f"Request for reports by {until}: withdrawn, {answered} of {asked} had answered"
        case None:
            pass
    if call.late:
        who = names(missing, _IN_LINE)
        sv = f"Tiden är ute {until}: {len(missing)} av {asked} har inte lämnat begärd lägesrapport: {who}"
        return sv, f"Overdue since {until}: {len(missing)} of {asked} have not reported: {who}"
    sv = f"Begäran om lägesrapport senast {until}: {answered} av {asked} har svarat"
    return sv, f"Request for reports by {until}: {answered} of {asked} have answered"
