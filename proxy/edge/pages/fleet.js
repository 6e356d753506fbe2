// The backends, one group of rows each, and the models they serve.

import { LEVELS, Line, age, arrange, count, make, mark, number, rate, set, short, table, wait } from "./elements.js";

const UNCAPPED = 999;

// Column: heading, kind, what it is sorted by; a larger value comes first, except for names.
const COLUMNS = [
  ["State", "", (b) => -LEVELS[b.level]],
  ["Backend", "", (b) => b.name],
  ["In flight", "number", (b) => b.in_flight],
  ["Tokens/s", "number", (b) => b.tokens_s ?? -1],
  ["First token p50, p95", "number", (b) => b.lately.first_token_ms?.p50 ?? -1],
  ["Between tokens p50, p95", "number", (b) => b.lately.between_ms?.p50 ?? -1],
  ["Failed", "number", (b) => bad(b)],
  ["Engine says", "", (b) => (b.engine?.waiting ?? -1)],
  ["Type", "", (b) => b.type ?? ""],
];

export class Fleet {
  constructor(place, filter) {
    this.rows = new Map();
    this.lines = new Map();
    this.sorted = { column: 0, down: true };
    this.last = [];
    this.heads = COLUMNS.map(([text, kind], index) =>
      make("th", { scope: "col", class: kind }, make("button", { type: "button", onclick: () => this.sort(index) }, text)));
    this.table = make("table", { "aria-label": "Backends" }, make("thead", {}, make("tr", {}, ...this.heads)));
    this.groups = new Map();
    this.empty = make("p", { class: "empty" }, "No backend fits the filter.");
    place.append(this.table, this.empty);
    this.filter = filter;
    filter.addEventListener("input", () => this.place());
  }

  sort(column) {
    const same = this.sorted.column === column;
    this.sorted = { column, down: same ? !this.sorted.down : column !== 1 && column !== 8 };
    this.place();
  }

  show(backends) {
    const names = new Set(backends.map((one) => one.name));
    for (const name of this.rows.keys()) if (!names.has(name)) this.rows.delete(name);
    const most = {
      first: Math.max(...backends.map((b) => b.lately.first_token_ms?.p50 ?? 0), 1),
      between: Math.max(...backends.map((b) => b.lately.between_ms?.p50 ?? 0), 0.1),
      flight: Math.max(...backends.map((b) => b.in_flight), 1),
    };
    for (const backend of backends) {
      if (!this.rows.has(backend.name)) this.rows.set(backend.name, new Row());
      this.rows.get(backend.name).show(backend, most);
    }
    this.last = backends;
    this.place();
  }

  place() {
    const { column, down } = this.sorted;
    this.heads.forEach((head, index) => mark(head, "aria-sort", index === column && (down ? "descending" : "ascending")));
    const by = COLUMNS[column][2];
    const words = this.filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (b) => words.every((word) => [b.name, b.url, b.type, b.word, ...b.models].join(" ").toLowerCase().includes(word));
    const found = this.last.filter(fits).sort((a, b) => {
      const [x, y] = [by(a), by(b)];
      const order = typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y;
      return (down ? -order : order) || a.name.localeCompare(b.name, "en", { numeric: true });
    });
    arrange(this.table, [this.table.tHead, ...found.map((b) => this.rows.get(b.name).element)]);
    this.empty.hidden = found.length > 0;
    set(this.empty, this.last.length ? "No backend fits the filter." : "No backends.");
  }
}

class Row {
  constructor() {
    this.line = new Line();
    this.state = make("span", { class: "state" });
    this.name = make("button", { type: "button", "aria-expanded": "false", onclick: () => this.toggle() });
    this.flight = make("span");
    this.flightBar = make("i");
    this.tokens = make("span", { class: "rate" });
    this.first = waits();
    this.between = waits();
    this.failed = make("td", { class: "number" });
    this.engine = make("td", { class: "clip" });
    this.type = make("td");
    this.why = make("td", { class: "why", colspan: COLUMNS.length - 1 });
    this.whyRow = make("tr", { class: "more" }, make("td"), this.why);
    this.details = make("dl", { class: "details" });
    this.detailsRow = make("tr", { class: "more", hidden: true }, make("td"), make("td", { colspan: COLUMNS.length - 1 }, this.details));
    this.flightCell = make("td", { class: "number" }, this.flight, make("span", { class: "bar", "aria-hidden": "true" }, this.flightBar));
    this.figures = [this.flightCell, make("td", { class: "number" }, this.line.element, this.tokens), this.first.cell, this.between.cell, this.failed, this.engine];
    this.instead = make("td", { class: "why", colspan: this.figures.length, hidden: true });
    this.element = make("tbody", {},
      make("tr", {}, make("td", {}, this.state), make("td", { class: "name" }, this.name), ...this.figures, this.instead, this.type),
      this.whyRow, this.detailsRow);
  }

  toggle() {
    const open = this.detailsRow.hidden;
    this.detailsRow.hidden = !open;
    mark(this.name, "aria-expanded", String(open));
  }

  show(backend, most) {
    const { lately } = backend;
    mark(this.element, "class", backend.level);
    mark(this.state, "class", `state ${backend.level}`);
    set(this.state, backend.word);
    set(this.name, backend.name);
    // One without a cap has a large one for a while after a fault: its start is slow.
    const cap = backend.cap === null || backend.cap > UNCAPPED ? null : backend.cap;
    set(this.flight, cap === null ? number(backend.in_flight) : `${backend.in_flight} of ${cap}`);
    this.flightBar.style.width = `${Math.min(100, (100 * backend.in_flight) / (cap ?? most.flight))}%`;
    mark(this.flightCell, "class", backend.word === "full" ? "number full" : "number");
    this.line.add(backend.tokens_s);
    set(this.tokens, rate(backend.tokens_s));
    fill(this.first, lately.first_token_ms, most.first, backend.word === "slow" && backend.slow_in === "first_token");
    fill(this.between, lately.between_ms, most.between, backend.word === "slow" && backend.slow_in === "between");
    set(this.failed, bad(backend) || lately.requests ? `${bad(backend)} of ${lately.requests + lately.moved_on}` : "–");
    mark(this.failed, "class", bad(backend) ? "number failing" : "number");
    set(this.engine, said(backend.engine));
    set(this.type, backend.type ?? "?");
    this.explain(backend.level === "ok" ? "" : sentence(backend), !lately.requests && !lately.moved_on && !backend.in_flight);
    if (!this.detailsRow.hidden || !this.details.firstChild) this.detail(backend);
  }

  // Why it is not well: below its figures, or in their place if it has none.
  explain(why, idle) {
    const alone = why !== "" && idle;
    for (const cell of this.figures) cell.hidden = alone;
    this.instead.hidden = !alone;
    this.whyRow.hidden = why === "" || alone;
    set(alone ? this.instead : this.why, why);
  }

  detail(backend) {
    const { breaker } = backend;
    const facts = [
      ["Address", backend.url],
      ["Models", backend.models.join(", ") || "none listed"],
      ["Checks", `${backend.state} for ${age(backend.since_s)}${backend.reason ? `: ${backend.reason}` : ""}`],
      ["Breaker", `${breaker.state.replace("_", " ")}, opened ${count(breaker.opened, "time", "times")}${breaker.probe_in_s === null ? "" : `, next try in ${Math.ceil(breaker.probe_in_s)} s`}`],
      ["Share", `weight ${backend.weight}, tier ${backend.priority}, ${number(backend.work)} tokens of work outstanding`],
    ];
    if (this.details.children.length !== facts.length * 2) {
      this.details.replaceChildren(...facts.flatMap(() => [make("dt"), make("dd")]));
    }
    facts.forEach(([name, text], index) => {
      set(this.details.children[2 * index], name);
      set(this.details.children[2 * index + 1], text);
    });
  }
}

function sentence(backend) {
  const known = ["down", "starting", "draining"].includes(backend.word);
  const since = known ? `for ${age(backend.since_s)}` : "";
  return [since, backend.why].filter(Boolean).join(": ");
}

function bad(backend) {
  return backend.lately.failed + backend.lately.moved_on;
}

function said(engine) {
  if (engine === null) return "–";
  const parts = [];
  if (engine.running !== null) parts.push(`${engine.running} run`);
  if (engine.waiting !== null) parts.push(`${engine.waiting} wait`);
  if (engine.kv_used !== null) parts.push(`cache ${Math.round(engine.kv_used * 100)} %`);
  return parts.join(", ") || "–";
}

function waits() {
  const [half, most, bar] = [make("span"), make("span"), make("i")];
  const cell = make("td", { class: "number" }, make("span", { class: "two" }, half, most), make("span", { class: "bar", "aria-hidden": "true" }, bar));
  return { cell, half, most, bar };
}

function fill(place, spread, most, slow) {
  set(place.half, wait(spread?.p50));
  set(place.most, wait(spread?.p95));
  place.bar.style.width = `${(100 * (spread?.p50 ?? 0)) / most}%`;
  mark(place.cell, "class", slow ? "number slow" : "number");
}

export class Models {
  constructor(place) {
    [this.table, this.body] = table([["Model"], ["Waiting", "number"], ["Served by"]], "Models");
    this.rows = new Map();
    place.append(this.table);
  }

  show(models, backends, queues) {
    const level = new Map(backends.map((one) => [one.name, one]));
    const rows = models.map((model) => {
      if (!this.rows.has(model.id)) {
        const cells = [make("td", { class: "wrap" }), make("td", { class: "number" }), make("td", { class: "wrap" })];
        this.rows.set(model.id, { cells, row: make("tr", {}, ...cells), key: "" });
      }
      const { cells, row } = this.rows.get(model.id);
      set(cells[0], model.alias_of === null ? model.id : `${model.id} → ${model.alias_of.join(", ")}`);
      set(cells[1], number(queues[model.id] ?? 0));
      const served = model.backends.map((name) => [name, level.get(name)?.level ?? "idle", level.get(name)?.word ?? ""]);
      const key = JSON.stringify(served);
      if (this.rows.get(model.id).key !== key) {
        this.rows.get(model.id).key = key;
        cells[2].replaceChildren(...served.map(([name, state, word]) => make("span", { class: `chip state ${state}`, title: `${name}: ${word}` }, short(name))));
      }
      return row;
    });
    arrange(this.body, rows);
  }
}
