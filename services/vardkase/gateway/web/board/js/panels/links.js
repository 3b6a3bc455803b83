/** Whether more can come: the links to the nodes that the area's reports come by. */

import { attr, h, icon, show, text } from "../lib/dom.js";
import { duration, number } from "../lib/format.js";
import { t } from "../lib/i18n.js";

const NAMED = 3;
/** Reports behind that are worth a word: fewer are on their way. */
const MANY = 100;

export class LinkLine {
  constructor() {
    this.words = h("span");
    this.mark = icon("warning");
    this.node = h("p", { class: "links", hidden: true }, this.mark, this.words);
  }

  render({ links }) {
    const said = links === null ? null : linkWords(links);
    show(this.node, said !== null);
    if (said === null) return;
    attr(this.mark, "hidden", !said.bad);
    attr(this.node, "class", said.bad ? "links" : "links quiet");
    text(this.words, said.words);
  }
}

/** What is to be said of the links, and whether it is bad; `null`: there are none. */
export function linkWords({ as_of, children, parent }) {
  const nodes = parent === null ? children : [...children, parent];
  if (nodes.length === 0) return null;
  if (nodes.some((each) => each.up === null)) return { bad: true, words: t("links.unknown") };
  const ago = (each) => duration(Date.parse(as_of) - Date.parse(each.since));
  const down = children.filter((each) => !each.up);
  const behind = children.filter((each) => each.up && (each.stalled || each.lag_messages >= MANY));
  const words = [
    ...named(down, (each) => t("links.down", each.name, ago(each))),
    ...named(behind, (each) => t("links.behind", each.name, number(each.lag_messages))),
  ];
  if (parent !== null && !parent.up) words.push(t("links.parent", parent.name, ago(parent)));
  if (words.length > 0) return { bad: true, words: words.join(" · ") };
  if (children.length === 0) return null;
  return { bad: false, words: t("links.up", number(children.length)) };
}

function named(nodes, say) {
  const words = nodes.slice(0, NAMED).map(say);
  return nodes.length > NAMED ? [...words, t("links.more", number(nodes.length - NAMED))] : words;
}
