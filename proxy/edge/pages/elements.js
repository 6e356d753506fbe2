// Small things every part of the page is made of: elements, figures in words, a line of recent values.

export const LEVELS = { bad: 0, warn: 1, idle: 2, ok: 3 };
const POINTS = 90; // values in a line: a minute and a half

// Make an element. Texts are texts: nothing that an engine or a client says is ever read as HTML.
export function make(name, attributes = {}, ...inside) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...inside.filter((one) => one !== null));
  return element;
}

// Write only what has changed: a selection survives, and a screen reader is not told twice.
export function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function mark(element, attribute, value) {
  if (value === null || value === false) element.removeAttribute(attribute);
  else if (element.getAttribute(attribute) !== String(value)) element.setAttribute(attribute, value);
}

// Put rows in this order, without taking the focus from one of them.
export function arrange(parent, children) {
  const now = [...parent.children];
  if (now.length === children.length && now.every((one, i) => one === children[i])) return;
  const focused = document.activeElement;
  parent.replaceChildren(...children);
  if (focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true });
}

export function number(value, digits = 0) {
  if (value === null || value === undefined) return "–";
  return value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

export function rate(value) {
  return number(value, value !== null && value > 0 && value < 10 ? 1 : 0);
}

export function wait(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 100000 ? `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s` : `${Math.round(ms / 1000)} s`;
}

export function age(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

export function count(value, one, more) {
  return `${number(value)} ${value === 1 ? one : more}`;
}

// Long names of a fleet mostly begin and end alike: beside other things, what differs is enough.
const LONG = 22;
let alike = [0, 0];
export function know(names) {
  const [first, ...others] = names;
  let [start, end] = [0, 0];
  if (others.length) {
    const least = Math.min(...names.map((name) => name.length)) - 1;
    while (start < least && others.every((name) => name[start] === first[start])) start += 1;
    while (end < least - start && others.every((name) => name.at(-1 - end) === first.at(-1 - end))) end += 1;
    // Whole words, and the word before: `node-004` says more than `004`.
    for (let words = 0; start > 0 && (words += "-._/:".includes(first[start - 1])) < 2; ) start -= 1;
    while (end > 0 && !"-._/:".includes(first.at(-end))) end -= 1;
  }
  alike = [start, end];
}

export function short(name) {
  if (name === null) return "none";
  const [start, end] = alike;
  if (name.length <= LONG || name.length <= start + end) return name;
  return `${start > 1 ? "…" : name.slice(0, start)}${name.slice(start, name.length - end)}${end > 1 ? "…" : name.slice(name.length - end)}`;
}

export function table(columns, label) {
  const heads = columns.map(([text, kind]) => make("th", { scope: "col", class: kind }, text));
  const body = make("tbody");
  return [make("table", { "aria-label": label }, make("thead", {}, make("tr", {}, ...heads)), body), body];
}

// A line of the values a place has had while somebody looked.
export class Line {
  constructor() {
    const space = "http://www.w3.org/2000/svg";
    this.values = [];
    this.element = document.createElementNS(space, "svg");
    this.line = document.createElementNS(space, "polyline");
    for (const [key, value] of [["class", "spark"], ["viewBox", `0 0 ${POINTS - 1} 18`], ["preserveAspectRatio", "none"], ["aria-hidden", "true"]]) {
      this.element.setAttribute(key, value);
    }
    this.element.append(this.line);
  }

  add(value) {
    this.values.push(value ?? 0);
    if (this.values.length > POINTS) this.values.shift();
    const most = Math.max(...this.values, 1e-9);
    const from = POINTS - this.values.length;
    this.line.setAttribute("points", this.values.map((v, i) => `${from + i},${(17 - (16 * v) / most).toFixed(1)}`).join(" "));
  }
}
