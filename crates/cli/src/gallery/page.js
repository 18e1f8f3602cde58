// Filter, order and choice, which the fragment of the URL keeps, and the reload while a batch runs.

const CONTROLS = ["text", "model", "state", "sort"];
const fragment = new URLSearchParams(location.hash.slice(1));
/** The cards to compare: at most two. */
let chosen = [];
let isPaused = fragment.has("paused");
/** Whether the focus is given back after a reload, which plays nothing. */
let isRestoring = false;

const items = new Map(data.cards.map((card) => [card, item(card, choose)]));

/** Keeps the state of the page in its URL. */
function keep(state = null) {
  const values = CONTROLS.map((id) => [id, $(id).value]).filter(([id, value]) => value !== "" && !(id === "sort" && value === "name"));
  const parameters = new URLSearchParams([...values, ...chosen.map((card) => ["compare", card.name]), ...(isPaused ? [["paused", ""]] : [])]);
  history.replaceState(state, "", `#${parameters}`);
}

const searched = (card) => [card.name, card.prompt, card.model, card.id, card.error, card.request && JSON.stringify(card.request)].join("\n").toLowerCase();

const ORDERS = {
  name: () => 0,
  newest: (one, other) => (other.created_at ?? "").localeCompare(one.created_at ?? ""),
  cost: (one, other) => (other.usd_spent ?? -1) - (one.usd_spent ?? -1),
  length: (one, other) => (other.length ?? -1) - (one.length ?? -1),
  prompt: (one, other) => (one.prompt ?? "").localeCompare(other.prompt ?? ""),
};

/** Shows the cards that match, in order. */
function show() {
  const words = $("text").value.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const matches = (card) => (
    words.every((word) => searched(card).includes(word))
    && ["", card.model].includes($("model").value)
    && ["", card.state].includes($("state").value)
  );
  const cards = data.cards.filter(matches).sort(ORDERS[$("sort").value]);
  $("grid").replaceChildren(...cards.map((card) => items.get(card)));
  $("shown").textContent = cards.length === data.cards.length ? `${cards.length} shown` : `${cards.length} of ${data.cards.length} shown`;
  $("empty").hidden = cards.length > 0;
  $("empty").textContent = data.cards.length === 0 ? "No video yet. The first one appears here as soon as it is saved." : "Nothing matches. Change the search, the model or the state.";
}

/** Chooses a card for the comparison, or not; a third one takes the place of the first. */
function choose(card, isChosen) {
  chosen = [...chosen.filter((other) => other !== card), ...(isChosen ? [card] : [])].slice(-2);
  showChosen();
  keep();
}

function showChosen() {
  for (const [card, node] of items) {
    node.classList.toggle("chosen", chosen.includes(card));
    const box = node.querySelector("input");
    if (box !== null) box.checked = chosen.includes(card);
  }
  $("tray").hidden = chosen.length === 0;
  $("chosen").textContent = chosen.length === 2 ? `${chosen[0].name} and ${chosen[1].name}` : `${chosen[0]?.name}: choose one more`;
  $("compare").disabled = chosen.length < 2;
}

/** The sums of all cards; the videos of one generation share its cost. */
function totals() {
  const costs = new Map(data.cards.filter((card) => card.usd_spent != null).map((card) => [card.id ?? card.name, card.usd_spent]));
  const count = (state) => data.cards.filter((card) => card.state === state).length;
  const others = ["failed", "unfinished"].filter((state) => count(state) > 0).map((state) => `${count(state)} ${state}`);
  const sum = [...costs.values()].reduce((one, other) => one + other, 0);
  return [plural(count("saved"), "video"), ...others, ...(costs.size > 0 ? [usd(sum)] : [])].join(" · ");
}

/** Adds an option for each value of the cards. */
function addOptions(id, values) {
  const options = [...new Set(values)].filter((value) => value != null).sort();
  $(id).append(...options.map((value) => element("option", { value }, value)));
}

$("folder").textContent = data.folder;
document.title = `${data.folder}: gallery`;
$("totals").textContent = totals();
addOptions("model", data.cards.map((card) => card.model));
addOptions("state", data.cards.map((card) => card.state));
for (const id of CONTROLS) {
  const value = fragment.get(id);
  // A filter whose value has no card yet is kept.
  if (value !== null && id !== "text" && ![...$(id).options].some((option) => option.value === value)) $(id).append(element("option", { value }, value));
  if (value !== null) $(id).value = value;
  $(id).addEventListener("input", () => {
    lastInput = performance.now();
    show();
    keep();
  });
}
if (!(($("sort").value) in ORDERS)) $("sort").value = "name";
chosen = fragment.getAll("compare").map((name) => data.cards.find((card) => card.name === name && card.has_video)).filter((card) => card !== undefined).slice(0, 2);
$("compare").addEventListener("click", () => compare(...chosen));
$("unchoose").addEventListener("click", () => {
  chosen = [];
  showChosen();
  keep();
});
show();
showChosen();

const RELOAD_MILLISECONDS = 3000;
/** The command writes the page at least every 30 seconds while it runs. */
const MAX_AGE_MILLISECONDS = 120_000;
let lastInput = -Infinity;

/** Reloads the page, unless the user is in the middle of something. */
function reload() {
  const isWatching = [...document.querySelectorAll("video")].some((video) => !video.paused);
  const isTyping = performance.now() - lastInput < 2 * RELOAD_MILLISECONDS / 3;
  if (isPaused || isWatching || isTyping || $("comparison").open) return;
  const open = [...document.querySelectorAll("details[open]")].map((node) => node.id);
  keep({ scroll: scrollY, focus: document.activeElement?.id, open });
  location.reload();
}

const isStale = () => Date.now() - data.written_at > MAX_AGE_MILLISECONDS;

function showRun() {
  const { ended, total } = data.running;
  $("progress").textContent = isStale() ? `stopped after ${ended} of ${total}; run the batch again` : `running: ${ended} of ${total} ended`;
  $("progress").dataset.state = isStale() ? "unfinished" : "running";
  $("pause").hidden = isStale();
  $("pause").textContent = isPaused ? "Update again" : "Pause updates";
}

const isOver = isStale();
if (data.running !== null) {
  $("run").hidden = false;
  showRun();
  setInterval(() => {
    showRun();
    // A page that grows old is loaded again, since a laptop that slept may have an old page of a batch that runs.
    if (!isOver) reload();
  }, RELOAD_MILLISECONDS);
  $("pause").addEventListener("click", () => {
    isPaused = !isPaused;
    keep();
    showRun();
  });
}

if (history.state !== null) {
  const { scroll, focus, open } = history.state;
  for (const id of open) $(id)?.setAttribute("open", "");
  isRestoring = true;
  $(focus)?.focus({ preventScroll: true });
  isRestoring = false;
  scrollTo({ top: scroll, behavior: "instant" });
  keep();
}
