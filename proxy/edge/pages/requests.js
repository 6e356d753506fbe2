// Ended requests with what they waited for, the last failures, and the changes of backends.

import { age, arrange, make, mark, number, set, short, table, wait } from "./elements.js";

const KINDS = [["slowest", "Slowest of the minute"], ["latest", "Latest"], ["failed", "Failed"]];
const WAITS = { queue: "queue", connect: "connect", wait: "first token", stream: "stream" };

export class Requests {
  constructor(place, kinds, legend, held, one) {
    this.kind = "slowest";
    this.seen = { slowest: [], latest: [], failed: [] };
    this.held = false;
    this.one = one;
    this.place = place;
    this.empty = make("p", { class: "empty" });
    [this.table, this.body] = table(
      [["Request"], ["Model"], ["Backend"], ["Attempts", "number"], ["Status", "number"], ["First token", "number"], ["Whole", "number"], ["Waits"]], "Requests");
    place.append(this.table, this.empty);
    this.buttons = KINDS.map(([kind, text]) => make("button", { type: "button", onclick: () => this.choose(kind) }, text));
    kinds.append(...this.buttons);
    legend.append(...Object.entries(WAITS).map(([what, text]) => make("li", {}, make("i", { class: what }), text)), make("li", {}, make("i", { class: "wait broken" }), "failed"));
    // Rows that move under the pointer cannot be clicked.
    const hold = (on) => () => { this.held = on; held.hidden = !on; if (!on) this.draw(); };
    this.body.addEventListener("pointerenter", hold(true));
    this.body.addEventListener("pointerleave", hold(false));
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
    this.choose("slowest");
  }

  choose(kind) {
    this.kind = kind;
    KINDS.forEach(([one], index) => mark(this.buttons[index], "aria-pressed", String(one === kind)));
    this.draw();
  }

  show(requests) {
    this.seen = requests;
    if (!this.held && !this.body.contains(document.activeElement)) this.draw();
  }

  draw() {
    const found = this.seen[this.kind];
    const longest = Math.max(...found.map((one) => one.duration_ms), 1);
    this.body.replaceChildren(...found.map((one) => this.row(one, longest)));
    this.table.hidden = found.length === 0;
    this.empty.hidden = found.length > 0;
    set(this.empty, this.kind === "failed" ? "No request has failed among the last ones." : "No request ended in the last minute.");
  }

  row(one, longest) {
    return make("tr", {},
      make("td", { class: "id" }, make("button", { type: "button", title: one.request_id, onclick: () => this.open(one) }, one.request_id)),
      make("td", { class: "clip", title: one.model }, one.model || "–"),
      make("td", { class: "clip", title: one.backend ?? "" }, short(one.backend)),
      make("td", { class: "number" }, number(one.attempts)),
      make("td", { class: one.failure === null ? "number" : "number failing", title: one.failure ?? "" }, `${one.status || "none"}${one.failure === null ? "" : ` ${one.end}`}`),
      make("td", { class: "number" }, wait(one.stream ? one.ttft_ms : null)),
      make("td", { class: "number" }, wait(one.duration_ms)),
      make("td", { class: "waits" }, lane(one.stretches, longest)));
  }

  async find(id) {
    const answer = await fetch(`fleet/request?id=${encodeURIComponent(id)}`);
    const found = await answer.json();
    if (answer.ok) this.open(found);
    else this.tell(id, found.error);
  }

  tell(id, why) {
    this.fill(make("p", {}, make("code", {}, id), ` is not kept: ${why}.`));
  }

  open(one) {
    const tokens = [one.tokens_in === null ? null : `${number(one.tokens_in)} tokens in`, one.tokens_out === null ? null : `${number(one.tokens_out)} out`].filter(Boolean).join(", ");
    const facts = [one.model, one.path, `ended ${age(one.age_s)} ago`, `status ${one.status || "none"}`, `end ${one.end}`, tokens].filter(Boolean).join(" · ");
    const [shown, body] = table([["Wait"], ["Backend"], ["From", "number"], ["Took", "number"], [""]], "What this request waited for");
    body.append(...one.stretches.map((each) => make("tr", {},
      make("td", {}, `${each.attempt > 0 && one.attempts > 1 ? `attempt ${each.attempt}: ` : ""}${WAITS[each.what]}`),
      make("td", { class: "clip", title: each.backend ?? "" }, each.backend === null ? "–" : short(each.backend)),
      make("td", { class: "number" }, wait(each.from_ms)),
      make("td", { class: "number" }, wait(each.to_ms - each.from_ms)),
      make("td", { class: "lanes" }, lane([each], one.duration_ms), each.failed ? make("span", { class: "state bad" }, [each.failed, each.detail].filter(Boolean).join(": ")) : null))));
    this.fill(make("strong", {}, `${wait(one.duration_ms)}`), make("code", {}, one.request_id), make("span", { class: "quiet" }, facts), shown);
  }

  fill(...inside) {
    const shown = inside.at(-1).tagName === "TABLE" ? inside.pop() : null;
    const close = make("button", { type: "button", onclick: () => this.close() }, "Close");
    this.one.replaceChildren(make("header", {}, ...inside, close), ...(shown ? [shown] : []));
    this.one.hidden = false;
    this.one.focus();
  }

  close() {
    this.one.hidden = true;
  }
}

function lane(stretches, whole) {
  return make("div", { class: "lane", role: "img", "aria-label": stretches.map(told).join(", ") }, ...stretches.map((each) => {
    const part = make("i", { class: each.failed ? `${each.what} broken` : each.what, title: told(each) });
    part.style.left = `${(100 * each.from_ms) / whole}%`;
    part.style.width = `${Math.max(0, (100 * (each.to_ms - each.from_ms)) / whole)}%`;
    return part;
  }));
}

function told(each) {
  const where = each.backend === null ? "" : ` at ${each.backend}`;
  return `${WAITS[each.what]} ${wait(each.to_ms - each.from_ms)}${where}${each.failed ? `, ${each.failed}` : ""}`;
}

// A list that is written anew only when something in it is.
class Rows {
  constructor(place, columns, label, nothing) {
    [this.table, this.body] = table(columns, label);
    this.nothing = make("p", { class: "empty" }, nothing);
    this.known = new Map();
    place.append(this.table, this.nothing);
  }

  put(found, key, row) {
    const kept = new Map();
    for (const one of found) {
      const name = key(one);
      kept.set(name, this.known.get(name) ?? row(one));
      set(kept.get(name).firstChild, age(one.age_s));
    }
    this.known = kept;
    arrange(this.body, [...kept.values()]);
    this.table.hidden = kept.size === 0;
    this.nothing.hidden = kept.size > 0;
  }
}

export class Failures {
  constructor(place, requests) {
    this.requests = requests;
    this.rows = new Rows(place, [["Ago", "number"], ["Backend"], ["What"], ["Request"]], "Last failures", "Nothing has failed.");
  }

  show(failures, uptime) {
    this.rows.put(failures, (one) => [Math.round(uptime - one.age_s), one.request_id, one.attempt, one.kind].join(" "), (one) =>
      make("tr", {}, make("td", { class: "number" }), make("td", { class: "clip", title: one.backend ?? "" }, short(one.backend)),
        make("td", { class: "wrap" }, make("strong", {}, one.kind), one.detail ? ` ${one.detail}` : "", one.retried ? make("span", { class: "quiet" }, " · went on elsewhere") : null),
        make("td", { class: "id" }, make("button", { type: "button", title: one.request_id, onclick: () => this.requests.find(one.request_id) }, one.request_id))));
  }
}

export class Changes {
  constructor(place) {
    this.rows = new Rows(place, [["Ago", "number"], ["Backend"], ["Change"]], "Changes of backends", "No backend has changed since the start.");
  }

  show(changes, uptime) {
    this.rows.put(changes, (one) => [Math.round(uptime - one.age_s), one.backend, one.what, one.after].join(" "), (one) =>
      make("tr", {}, make("td", { class: "number" }), make("td", { class: "clip", title: one.backend }, short(one.backend)),
        make("td", { class: "wrap" }, `${one.what === "backend" ? "" : `${one.what} `}${one.before} → `, make("strong", {}, one.after), one.reason ? make("span", { class: "quiet" }, ` ${one.reason}`) : null)));
  }
}
