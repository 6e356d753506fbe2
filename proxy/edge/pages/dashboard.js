// The page: takes the fleet from the feed once a second and shows it.

import { Line, age, count, know, make, mark, number, rate, set, wait } from "./elements.js";
import { Fleet, Models } from "./fleet.js";
import { Changes, Failures, Requests } from "./requests.js";

const LATE = 5000; // milliseconds without a document until the page says that it is old
const at = (id) => document.getElementById(id);

const fleet = new Fleet(at("backends"), at("filter"));
const models = new Models(at("models"));
const requests = new Requests(at("requests"), at("kinds"), at("legend"), at("held"), at("one"));
const failures = new Failures(at("failures"), requests);
const changes = new Changes(at("changes"));
let paused = false;
let heard = 0;

// Figures of the whole: name, what it shows, what stands small beside it.
const line = new Line();
const TOTALS = [
  ["Tokens/s", (d) => rate(d.totals.tokens_s)],
  ["Requests/s", (d) => rate(d.totals.requests / Math.min(d.window_s, Math.max(1, d.uptime_s)))],
  ["In flight", (d) => number(d.in_flight)],
  ["Queued", (d) => number(d.queued), (d) => (d.totals.queue_ms?.p95 ? `p95 ${wait(d.totals.queue_ms.p95)}` : "")],
  ["First token", (d) => wait(d.totals.first_token_ms?.p50), (d) => `p95 ${wait(d.totals.first_token_ms?.p95)}`],
  ["Between tokens", (d) => wait(d.totals.between_ms?.p50), (d) => `p95 ${wait(d.totals.between_ms?.p95)}`],
  ["Failed", (d) => number(d.totals.failed), (d) => `of ${number(d.totals.requests)}`],
  ["Clients", (d) => number(d.client_connections), () => "connections"],
].map(([name, value, small]) => {
  const [text, beside] = [make("span"), make("small")];
  const shown = make("dd", {}, text, beside);
  at("totals").append(make("div", {}, make("dt", {}, name), shown));
  return { name, value, small, shown, text, beside };
});
TOTALS[0].shown.append(line.element);

function show(fleetNow) {
  const { backends } = fleetNow;
  know(backends.map((one) => one.name));
  set(at("about"), `${fleetNow.version} · up ${age(fleetNow.uptime_s)} · ${count(backends.length, "backend", "backends")} · ${count(fleetNow.models.length, "model", "models")}`);
  set(at("headline"), fleetNow.headline);
  document.title = `${backends.some((b) => b.level === "bad") ? "■ " : ""}headrace`;
  for (const { name, value, small, shown, text, beside } of TOTALS) {
    set(text, value(fleetNow));
    set(beside, small ? small(fleetNow) : "");
    if (name === "Failed") mark(shown, "class", fleetNow.totals.failed > 0 && "bad");
  }
  line.add(fleetNow.totals.tokens_s);
  fleet.show(backends);
  models.show(fleetNow.models, backends, fleetNow.queues);
  requests.show(fleetNow.requests);
  failures.show(fleetNow.failures, fleetNow.uptime_s);
  changes.show(fleetNow.changes, fleetNow.uptime_s);
}

function state() {
  const late = performance.now() - heard > LATE;
  const name = paused ? "held" : late ? "lost" : "live";
  mark(at("live"), "data-state", name);
  set(at("live"), { held: "paused", lost: heard ? "no news: is headrace still there?" : "connecting", live: "live" }[name]);
}

const feed = new EventSource("fleet/feed");
feed.addEventListener("message", (event) => {
  heard = performance.now();
  if (!paused) show(JSON.parse(event.data));
  state();
});
setInterval(state, 1000);

at("pause").addEventListener("click", () => {
  paused = !paused;
  mark(at("pause"), "aria-pressed", String(paused));
  state();
});

// The theme: the system's, unless somebody has chosen.
const THEMES = ["auto", "light", "dark"];
function theme(name) {
  mark(document.documentElement, "data-theme", name !== "auto" && name);
  set(at("theme"), `Theme: ${name}`);
}
at("theme").addEventListener("click", () => {
  const now = document.documentElement.dataset.theme ?? "auto";
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
  localStorage.setItem("headrace-theme", next);
  theme(next);
});
theme(THEMES.find((name) => name === localStorage.getItem("headrace-theme")) ?? "auto");
