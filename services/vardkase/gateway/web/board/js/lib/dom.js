/** Making and changing elements. Text is always text: nothing here takes HTML. */

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. `attributes`: `class`, any attribute, or `onclick` and its like with a function. */
export function h(tag, attributes = {}, ...children) {
  return build(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function svg(tag, attributes = {}, ...children) {
  return build(document.createElementNS(SVG, tag), attributes, children);
}

/** One of the page's icons (`symbol`s in the page), hidden from who hears the page read. */
export function icon(name, className = "icon") {
  return svg(
    "svg",
    { class: className, "aria-hidden": "true", focusable: "false" },
    svg("use", { href: `#i-${name}` }),
  );
}

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else attr(element, name, value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** Set an attribute where it differs; `null`, `undefined` and `false` take it away. */
export function attr(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const said = value === true ? "" : String(value);
  if (element.getAttribute(name) !== said) element.setAttribute(name, said);
}

/** Set the text where it differs: what is unchanged is not touched, so nothing flickers and nothing is read anew. */
export function text(node, value) {
  const said = value === null || value === undefined ? "" : String(value);
  if (node.textContent !== said) node.textContent = said;
}

/** Show or hide. */
export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/** Put other children in, where they are other. */
export function fill(parent, ...children) {
  const wanted = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
  if (wanted.length === parent.childNodes.length && wanted.every((each, at) => each === parent.childNodes[at])) return;
  parent.replaceChildren(...wanted);
}

const lists = new WeakMap();

/**
 * Make a parent's children follow a list, each kept by its key: rows that stay are changed in place and keep their
 * focus, only those that moved are moved.
 *
 * @param make makes a row: `{ node, update(item) }`; `update` is called at once and whenever the list is given anew.
 */
export function keyed(parent, items, keyOf, make) {
  const before = lists.get(parent) ?? new Map();
  const after = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (after.has(key)) continue;
    const row = before.get(key) ?? make(item);
    row.update(item);
    after.set(key, row);
  }
  for (const [key, row] of before) if (!after.has(key)) row.node.remove();
  let place = parent.firstChild;
  for (const row of after.values()) {
    if (row.node === place) place = place.nextSibling;
    else moveBefore(parent, row.node, place);
  }
  lists.set(parent, after);
}

/** Move a node; whoever has the focus in it keeps it. */
function moveBefore(parent, node, place) {
  const focused = node.isConnected && node.contains(document.activeElement) ? document.activeElement : null;
  parent.insertBefore(node, place);
  if (focused !== null && document.activeElement !== focused) focused.focus({ preventScroll: true });
}
