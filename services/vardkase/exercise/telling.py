"""The evaluation of an exercise for people: in a terminal, and as a page to print. Swedish."""

import html
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from vardkase.domain.exercises import ABORTED_SV
from vardkase.domain.texts import rule_words
from vardkase_contracts.instants import parse, to_datetime

_STOCKHOLM: Final = ZoneInfo("Europe/Stockholm")
RESULT: Final[Mapping[str, str]] = {
    "met": "i tid",
    "late": "för sent",
    "missing": "kom inte",
    "pending": "väntar",
    "cancelled": "avbröts",
    "not_sent": "inspelet gick inte ut",
}
KIND: Final[Mapping[str, str]] = {
    "register": "registerpost",
    "status": "läge",
    "resources": "resurser",
    "need": "behov",
    "confirm": "oförändrat",
    "heartbeat": "livstecken",
    "contact": "kontaktförsök",
    "activation": "aktivering",
    "withdraw": "återtagande",
    "retire": "avveckling",
    "note": "meddelande",
    "incident": "händelse",
    "report_request": "begäran om lägesrapport",
    "ack": "kvittering",
    "silence": "tystat larm",
    "rules": "ändrade gränser",
    "adopt": "fastställd lägesbild",
    "redact": "dold uppgift",
    "exercise": "övning",
}
"""What is reported or ordered."""
_WHAT: Final[Mapping[str, str]] = {"report": "rapport från", "alert": "larm"}
_TIMES: Final = (("to_report", "inspel → rapport"), ("to_alert", "inspel → larm"), ("to_ack", "larm → kvittens"))


def text_of(evaluation: Mapping[str, Any]) -> str:
    """The evaluation as lines of text."""
    lines = [
        f"UTVÄRDERING AV ÖVNING: {evaluation['name']} ({evaluation['id']})",
        f"Början {_clock(evaluation['start'])}, utvärderad {_clock(evaluation['as_of'])}",
        f"Förväntat: {_counts(evaluation)}",
        "",
    ]
    for kommun in evaluation["kommuner"]:
        lines.append(f"{kommun['code']} {kommun['name']}: {_counts(kommun)}; {_reports(kommun)}")
        lines += [f"  {name}: {_span(kommun[key])}" for key, name in _TIMES if kommun[key]["expected"]]
        if kommun["aborted_at"] is not None:
            lines.append(f"  {ABORTED_SV} {_clock(kommun['aborted_at'])}")
    lines.append("")
    lines += [f"{_expectation(each)}: {_came(each)}" for each in evaluation["responses"]]
    return "\n".join(lines)


def page_of(evaluation: Mapping[str, Any]) -> str:
    """The evaluation as a page to print: whole in itself, without scripts."""
    kommuner = "".join(
        f"<tr><th scope='row'>{_e(kommun['name'])}</th><td>{_e(_counts(kommun))}</td>"
        + "".join(f"<td>{_e(_span(kommun[key]))}</td>" for key, _ in _TIMES)
        + f"<td>{_e(_reports(kommun))}{_aborted(kommun)}</td></tr>"
        for kommun in evaluation["kommuner"]
    )
    responses = "".join(
        f"<tr><td>{_e(each['inject'])}</td><td>{_e(_expectation(each, named=False))}</td>"
        f"<td class='{_e(each['result'])}'>{_e(_came(each))}</td></tr>"
        for each in evaluation["responses"]
    )
    heads = "".join(f"<th scope='col'>{_e(name)}</th>" for _, name in _TIMES)
    return f"""<!doctype html>
<html lang="sv">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Utvärdering: {_e(evaluation["name"])}</title>
<style>
body {{ font: 1rem/1.4 system-ui, sans-serif; margin: 2rem; color: #111; background: #fff }}
h1 {{ font-size: 1.5rem }} h2 {{ font-size: 1.15rem; margin-top: 2rem }}
.world {{ background: #ffd500; color: #111; padding: .4rem .8rem; font-weight: bold }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ border: 1px solid #777; padding: .3rem .5rem; text-align: left; vertical-align: top }}
thead {{ display: table-header-group }} tr {{ break-inside: avoid }}
.late, .missing {{ font-weight: bold }}
@media print {{ body {{ margin: 0; font-size: 10pt }} }}
</style>
</head>
<body>
<p class="world">ÖVNING</p>
<h1>Utvärdering: {_e(evaluation["name"])}</h1>
<p>Början {_e(_clock(evaluation["start"]))}, utvärderad {_e(_clock(evaluation["as_of"]))}.
Förväntat: {_e(_counts(evaluation))}.</p>
<h2>Per kommun</h2>
<table>
<thead><tr><th scope="col">Kommun</th><th scope="col">Förväntat</th>{heads}<th scope="col">Rapporter</th></tr></thead>
<tbody>{kommuner}</tbody>
</table>
<h2>Varje inspel</h2>
<table>
<thead><tr><th scope="col">Inspel</th><th scope="col">Förväntat</th><th scope="col">Utfall</th></tr></thead>
<tbody>{responses}</tbody>
</table>
<p>Tid till rapport och larm räknas från inspelet, tid till kvittens från larmet.
En rapport räknas när den kom in hos en nod.</p>
</body>
</html>
"""


def length(seconds: float) -> str:
    """A length of time: "45 s", "12 min", "1 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 10 and rest:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _expectation(each: Mapping[str, Any], *, named: bool = True) -> str:
    said = each["said"][each["what"]]
    rule = "" if each["what"] == "report" else f" ”{rule_words(said['rule'])[0]}”"
    kinds = f" ({' eller '.join(KIND[kind] for kind in said['kinds'])})" if said.get("kinds") else ""
    before = f"{each['inject']}: " if named else ""
    place = each["place"] if each["what"] == "report" else f"för {each['place']}"
    if each["what"] == "ack":
        return f"{before}kvittens av{rule} {place} inom {length(each['within_s'])}"
    return f"{before}{_WHAT[each['what']]}{rule} {place}{kinds} inom {length(each['within_s'])}"


def _came(each: Mapping[str, Any]) -> str:
    took = "" if each["took_s"] is None else f" ({length(each['took_s'])})"
    return f"{RESULT[each['result']]}{took}"


def _counts(counts: Mapping[str, Any]) -> str:
    if not counts["expected"]:
        return "inget förväntat"
    parts = [f"{counts['met']} av {counts['expected']} i tid"]
    parts += [f"{counts[key]} {RESULT[key]}" for key in RESULT if key != "met" and counts[key]]
    return ", ".join(parts)


def _span(times: Mapping[str, Any]) -> str:
    if not times["expected"]:
        return "inget"
    if not times["came"]:
        return f"ingen av {times['expected']} kom"
    came = "" if times["came"] == times["expected"] else f" ({times['came']} av {times['expected']} kom)"
    return f"median {length(times['median_s'])}, längst {length(times['worst_s'])}{came}"


def _reports(kommun: Mapping[str, Any]) -> str:
    after = f", varav {kommun['after_abort']} efter avbrottet" if kommun["after_abort"] else ""
    return f"{kommun['reports']} {'rapport' if kommun['reports'] == 1 else 'rapporter'}{after}"


def _aborted(kommun: Mapping[str, Any]) -> str:
    if kommun["aborted_at"] is None:
        return ""
    return f"<br><strong>{ABORTED_SV} {_e(_clock(kommun['aborted_at']))}</strong>"


def _clock(iso: str) -> str:
    return to_datetime(parse(iso)).astimezone(_STOCKHOLM).strftime("%Y-%m-%d %H:%M")


def _e(text: object) -> str:
    return html.escape(str(text))
