
// The poll: what has changed since the last one, twice a second while the page is visible.

const INTERVAL = 500;
let since = 0;
let epoch = null;
let tag = null;
let timer = 0;
let isPolling = false;
let isStale = false;

/** Forgets what the server has sent, so that the next poll gets everything. */
function forget() {
  since = 0;
  epoch = null;
  tag = null;
  model.records.clear();
  rows.clear();
}

/** Polls without waiting for the interval; a poll under way is followed by another one. */
function pollNow() {
  isStale = true;
  if (!isPolling) poll();
}

async function poll() {
  clearTimeout(timer);
  isPolling = true;
  let more = false;
  let start;
  do {
    isStale = false;
    start = performance.now();
    more = await update().catch(() => {
      setConnection("offline", "not reachable");
      return false;
    });
  } while (more || isStale);
  isPolling = false;
  // A server that is slow to respond is polled less often.
  const pause = Math.max(INTERVAL, 4 * (performance.now() - start));
  if (!document.hidden) timer = setTimeout(poll, pause);
}

/** Gets the changes and shows them; returns whether further ones follow. */
async function update() {
  const query = new URLSearchParams({ since });
  const { key } = model;
  if (key !== "") query.set("key", key);
  const headers = tag == null ? {} : { "if-none-match": tag };
  const response = await fetch(`/_simulator/page/state?${query}`, { headers, cache: "no-store", signal: AbortSignal.timeout(10_000) });
  if (key !== model.key) return true;
  if (response.status !== 304) {
    if (!response.ok) throw new Error(`status ${response.status}`);
    const state = await response.json();
    if (key !== model.key) return true;
    if (epoch !== null && epoch !== state.epoch) {
      forget();
      return true;
    }
    epoch = state.epoch;
    since = state.revision;
    tag = response.headers.get("etag");
    model.state = state;
    model.at = performance.now();
    keepFocus(() => show(state));
  }
  setConnection("live", "live");
  showTime();
  return model.state.more === true && response.status !== 304;
}

function setConnection(state, text) {
  $("connection").dataset.state = state;
  setText($("connection"), text);
}

function show(state) {
  if (model.kind == null) start(state.kind);
  showFacts(state);
  if (state.kind === "proxy") {
    const first = since - state.deviations.length;
    const numbered = ({ subject, part, pointer, given, allowed, document, ...exchange }, at) => ({ ...exchange, number: first + at + 1, deviations: [{ subject, part, pointer, given, allowed, document }] });
    addRecords(state.deviations.map(numbered));
  } else {
    addRecords(state.requests);
    showKeys();
    showRules();
    showGenerations();
  }
  showTiles();
  showRecords();
}

/** Shows the parts of a simulator or of a proxy. */
function start(kind) {
  model.kind = kind;
  document.title = `aimlapi-video ${kind}`;
  document.body.dataset.kind = kind;
  $("kind").textContent = kind;
  for (const node of document.querySelectorAll("[data-for]")) node.hidden = node.dataset.for !== kind;
  if (kind === "proxy") {
    $("records-title").textContent = "Deviations";
    $("filter").placeholder = "path, model, pointer, value";
  }
}

/** Shows the settings that change what a program sees. */
function showFacts({ kind, version, upstream, guard, strict, replay }) {
  const facts = kind === "proxy" ? [`to ${upstream}`, guard && "guard"] : [strict && "strict", replay && "replays a recording"];
  setText($("facts"), [...facts, `version ${version}`].filter(Boolean).join(" · "));
}

function tiles() {
  const { counts, tasks, received, credits_left: credits } = model.state;
  if (counts) return [["exchanges", counts.exchanges], ["deviations", counts.deviations, "failed"], ["upstream failures", counts.upstream_failures, "failed"], ["refused", counts.refused]];
  const states = LANES.map(([name, title]) => [title.toLowerCase(), tasks.filter((task) => laneOf(task) === name).length, name]);
  let violations = 0;
  for (const record of model.records.values()) violations += record.deviations.length;
  const left = credits == null ? [] : [["credits left", credits]];
  return [...states, ["requests", received], ["violations", violations, "failed"], ...left];
}

function showTiles() {
  const shown = tiles();
  if ($("tiles").children.length !== shown.length) {
    $("tiles").replaceChildren(...shown.map(([title]) => element("div", {}, element("dt", { textContent: title }), element("dd"))));
  }
  shown.forEach(([title, value, state], at) => {
    const tile = $("tiles").children[at];
    setText(tile.firstChild, title);
    setText(tile.lastChild, value.toLocaleString("en"));
    tile.dataset.state = value > 0 ? (state ?? "") : "";
  });
}

/** Shows the time, and the progress that follows from it. */
function showTime() {
  const { speed } = model.state;
  if (model.kind !== "simulator") return;
  setText($("now"), clockTime(now()));
  setText($("speed"), speed == null ? "stopped; moves when advanced" : `${speed.toLocaleString("en")}× real time`);
  showProgress();
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !isPolling) poll();
});
poll();
