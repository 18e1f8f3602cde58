
// The generations: a card each, in the lane of its state.

const LANES = [
  ["queued", "Queued", (task) => task.starts_seconds ?? Infinity],
  ["generating", "Generating", (task) => task.ends_seconds ?? Infinity],
  ["completed", "Completed", (task) => -task.ends_seconds],
  ["failed", "Failed", (task) => -task.ends_seconds],
];
const CARDS = 24;
/** The documented words, which the lanes show already. */
const DOCUMENTED = new Set(["queued", "generating", "completed", "error"]);

const laneOf = (task) => (task.state === "unknown" ? "failed" : task.state);
const cards = new Map();
/** The cards by their elements. */
const nodes = new WeakMap();
const lanes = new Map(LANES.map(([name, title, order]) => [name, createLane(name, title, order)]));

function createLane(name, title, order) {
  const count = element("span", { className: "count", textContent: "0" });
  const list = element("ol", { className: "cards" });
  const empty = element("p", { className: "empty", textContent: "none" });
  const more = element("button", { type: "button", hidden: true });
  const heading = element("h3", { id: `lane-${name}` }, title, count);
  const lane = { count, list, empty, more, order, limit: CARDS };
  more.addEventListener("click", () => {
    const first = list.children.length;
    lane.limit += CARDS;
    showGenerations();
    // The button may be hidden now.
    list.children[first]?.querySelector("button:not([hidden])").focus();
  });
  const section = element("section", { className: "lane", "data-state": name, "aria-labelledby": heading.id });
  section.append(heading, list, empty, more);
  $("lanes").append(section);
  return lane;
}

/** Shows the generations of the state. */
function showGenerations() {
  const { tasks, generations } = model.state;
  const ids = new Set(tasks.map((task) => task.id));
  for (const id of cards.keys()) if (!ids.has(id)) cards.delete(id);
  const moved = new Map();
  for (const task of tasks) {
    const card = cards.get(task.id);
    const lane = laneOf(task);
    if (card && laneOf(card.task) !== lane) moved.set(lane, (moved.get(lane) ?? 0) + 1);
  }
  const byLane = Map.groupBy(tasks, laneOf);
  for (const [name, lane] of lanes) {
    const inLane = (byLane.get(name) ?? []).toSorted((a, b) => lane.order(a) - lane.order(b));
    // A card whose clip was opened stays in the list.
    const lastOpen = inLane.findLastIndex((task) => cards.get(task.id)?.video);
    lane.limit = Math.max(lane.limit, lastOpen + 1);
    setText(lane.count, inLane.length.toLocaleString("en"));
    lane.empty.hidden = inLane.length > 0;
    arrange(lane.list, inLane.slice(0, lane.limit).map(showCard));
    const left = inLane.length - lane.limit;
    lane.more.hidden = left <= 0;
    setText(lane.more, `Show ${Math.min(left, CARDS)} more of ${left}`);
    // Of generations without a card, only the state is kept.
    for (const task of inLane.slice(lane.limit)) cards.set(task.id, { task });
  }
  setText($("generations-note"), generations > tasks.length ? `the newest ${tasks.length} of ${generations}` : "");
  const changes = [...moved].filter(([lane]) => lane === "completed" || lane === "failed");
  if (changes.length > 0) announce("generations", changes.map(([lane, count]) => `${plural(count, "generation")} ${lane}`).join(", "));
  showProgress();
}

function showCard(task) {
  let card = cards.get(task.id);
  if (!card?.node) card = createCard(task);
  if (card.shown !== JSON.stringify(task)) {
    card.shown = JSON.stringify(task);
    card.node.dataset.state = laneOf(task);
    const status = DOCUMENTED.has(task.status) ? null : `status ${task.status}`;
    const counts = [plural(task.polls, "poll"), task.downloads > 0 ? plural(task.downloads, "download") : null, status];
    setText(card.counts, counts.filter(Boolean).join(" · "));
    card.play.hidden = task.state !== "completed" || card.video != null;
  }
  card.task = task;
  cards.set(task.id, card);
  return card.node;
}

function createCard(task) {
  const create = task.requests[0];
  const subject = create == null ? "generation" : `generation #${create}`;
  const fill = element("div", { className: "fill" });
  const bar = element("div", { className: "bar", role: "progressbar", "aria-label": `Progress of ${subject}`, "aria-valuemin": 0, "aria-valuemax": 100 }, fill);
  const time = element("span", { className: "left" });
  const counts = element("span", { className: "muted" });
  const play = element("button", { type: "button", className: "play", textContent: "▶ Play", "aria-label": `Play the clip of ${subject}`, hidden: true });
  const list = element("button", { type: "button", textContent: "Requests", "aria-label": `Show the requests of ${subject}` });
  const card = { task, bar, fill, time, counts, play };
  play.addEventListener("click", () => playClip(card));
  list.addEventListener("click", () => filterRecords(card.task.id));
  const keys = model.state.keys.length > 1 ? element("span", { className: "key", textContent: shortKey(task.key), title: task.key }) : null;
  card.node = element(
    "li",
    { className: "card" },
    element("p", { className: "title" }, element("span", { className: "model", textContent: task.model, title: task.id }), create == null ? null : element("span", { className: "muted", textContent: `#${create}` })),
    element("p", { className: "prompt", textContent: task.prompt ?? "no prompt" }),
    bar,
    element("p", { className: "times" }, time, counts, keys),
    element("div", { className: "row" }, play, list),
  );
  nodes.set(card.node, card);
  return card;
}

function playClip(card) {
  const source = `/_simulator/page/clips/${encodeURIComponent(card.task.id)}`;
  card.video = element("video", { src: source, controls: true, muted: true, loop: true, playsInline: true, "aria-label": `Clip: ${card.task.prompt ?? card.task.model}` });
  card.play.hidden = true;
  card.node.insertBefore(card.video, card.bar);
  card.video.focus();
  // A clip that cannot be played shows its error in its controls.
  card.video.play().catch(() => {});
}

/** Moves the bars of the shown, unfinished generations to the present time. */
function showProgress() {
  for (const { list } of lanes.values()) {
    for (const node of list.children) {
      if (node.dataset.state in PROGRESS) PROGRESS[node.dataset.state](nodes.get(node));
    }
  }
}

const PROGRESS = {
  queued(card) {
    const { created_seconds: from, starts_seconds: to, key } = card.task;
    setBar(card, from, to, now(key));
    // A scenario's rule can send a generation back to the queue.
    const waiting = to < now(key) ? "back in the queue" : `starts in ${duration(to - now(key))}`;
    setText(card.time, to == null ? "never starts" : waiting);
  },
  generating(card) {
    const { starts_seconds: from, ends_seconds: to, key } = card.task;
    setBar(card, from, to, now(key));
    setText(card.time, to == null ? "never ends" : `${duration(to - now(key))} left of ${duration(to - from)}`);
  },
  completed: showEnd,
  failed: showEnd,
};

function showEnd(card) {
  const { created_seconds: from, ends_seconds: to } = card.task;
  setBar(card, 0, 1, 1);
  setText(card.time, `took ${duration(to - from)}`);
}

function setBar({ bar, fill }, from, to, at) {
  const share = to == null ? 0 : Math.min(1, Math.max(0, (at - from) / Math.max(to - from, 1e-9)));
  fill.style.transform = `scaleX(${share.toFixed(4)})`;
  const percent = String(Math.floor(share * 100));
  if (bar.getAttribute("aria-valuenow") !== percent) bar.setAttribute("aria-valuenow", percent);
}
