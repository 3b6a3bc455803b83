// Answers against the table of rules, as reporting/check.py does it: so that what waits in the outbox is not refused.

const BLANKS = /[\s\u00a0\u202f]/gu;
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/u;

/** What was answered: the inputs that are not empty; the first of two of a name. `pairs`: [name, value] each. */
export function answers(pairs) {
  const found = new Map();
  for (const [name, value] of pairs) {
    const text = String(value).replaceAll("\r\n", "\n").replaceAll("\r", "\n").trim();
    if (text && !found.has(name)) found.set(name, text);
  }
  return found;
}

/** What is wrong, by field and in the order of the rules. `table`: {rules, patterns}. */
export function check(given, table) {
  const wrong = new Map();
  for (const rule of table.rules) {
    if (wrong.has(rule.field) || !rule.when.every((any) => holds(given, any))) continue;
    const said = fault(given, rule, table.patterns);
    if (said) wrong.set(rule.field, said);
  }
  return wrong;
}

/** Whether one of these was answered so. */
export function holds(given, any) {
  return any.some((token) => {
    const at = token.indexOf("=");
    if (at >= 0) return given.get(token.slice(0, at)) === token.slice(at + 1);
    if (token.endsWith(".*")) return [...given.keys()].some((name) => name.startsWith(token.slice(0, -1)));
    return given.has(token);
  });
}

function fault(given, rule, patterns) {
  if (rule.rule === "ask") return holds(given, rule.answered) ? "" : rule.say;
  if (rule.rule === "apart") return given.has(rule.field) && given.has(rule.other) ? rule.say : "";
  const text = given.get(rule.field);
  if (text === undefined) return "";
  switch (rule.rule) {
    case "number":
      return faultOfNumber(text.replace(BLANKS, ""), rule, patterns);
    case "text": {
      const length = [...text].length;
      if (length > rule.most) return `Högst ${rule.most} tecken. Nu är det ${length}.`;
      return CONTROLS.test(text) || (rule.line && text.includes("\n")) ? "Texten har tecken som inte går att skicka." : "";
    }
    case "clock":
      return new RegExp(patterns.clock, "u").test(text) ? "" : "Skriv ett klockslag, till exempel 21:10.";
    default:
      return rule.of.includes(text) ? "" : "Välj ett av svaren.";
  }
}

function faultOfNumber(bare, rule, patterns) {
  if (!new RegExp(rule.whole ? patterns.whole : patterns.number, "u").test(bare)) {
    return rule.whole ? "Skriv ett helt tal, med siffror." : "Skriv ett tal, till exempel 12 eller 12,5.";
  }
  const value = Number(bare.replace(",", ".").replace("\u2212", "-"));
  if (value < rule.least) return `Minst ${written(rule.least)}.`;
  if (value > rule.most) return `Högst ${written(rule.most)}.`;
  return "";
}

function written(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/gu, "\u00a0");
}
