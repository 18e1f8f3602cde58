
// The controls: clock, reset, scenario and key. They send the requests that any program sends.

/** Sends an action for the chosen key or for all keys; returns the error's message as the server gives it, if any. */
async function act(method, path, body) {
  const headers = { "content-type": "application/json" };
  if (model.key !== "") headers.authorization = `Bearer ${model.key}`;
  try {
    const response = await fetch(path, { method, headers, body });
    if (response.ok) return null;
    const text = await response.text();
    try {
      return JSON.parse(text).message ?? text;
    } catch {
      return text || `status ${response.status}`;
    }
  } catch {
    return "the server cannot be reached";
  } finally {
    pollNow();
  }
}

const keyName = () => (model.key === "" ? "all keys" : `the ${shortKey(model.key)}`);

async function report(action, done) {
  const error = await action;
  $("action").className = error == null ? "message" : "message error";
  $("action").textContent = error ?? done;
}

function advance(seconds) {
  const body = JSON.stringify({ advance_seconds: seconds });
  return report(act("POST", "/_simulator/clock", body), `The clock of ${keyName()} advanced by ${duration(seconds)}.`);
}

for (const button of document.querySelectorAll("[data-seconds]")) {
  button.addEventListener("click", () => advance(Number(button.dataset.seconds)));
}
$("advance").addEventListener("submit", (event) => {
  event.preventDefault();
  advance($("seconds").valueAsNumber);
});

$("reset").addEventListener("click", () => {
  $("confirm-text").textContent =
    model.kind === "proxy"
      ? "This removes the deviations and sets the counts to zero."
      : `This removes the generations and requests of ${keyName()}, and restores the initial scenario, clock and credits.`;
  $("confirm").returnValue = "cancel";
  $("confirm").showModal();
});
$("confirm").addEventListener("close", () => {
  if ($("confirm").returnValue === "reset") report(act("POST", "/_simulator/reset"), model.kind === "proxy" ? "Reset." : `Reset of ${keyName()}.`);
});

async function changeScenario(method, body, done) {
  const error = await act(method, "/_simulator/scenario", body);
  $("scenario-error").textContent = error ?? "";
  $("scenario-text").setAttribute("aria-invalid", error != null);
  if (error == null) report(null, done);
}

$("play").addEventListener("submit", (event) => {
  event.preventDefault();
  changeScenario("POST", $("scenario-text").value, `Rules added for ${keyName()}.`);
});
$("stop").addEventListener("click", () => changeScenario("DELETE", undefined, `Rules removed for ${keyName()}.`));

const ruleNodes = new Map();

/** Shows the rules with their counts. */
function showRules() {
  const shown = model.state.rules.map((rule, at) => {
    const id = `${at} ${JSON.stringify(rule.rule)}`;
    if (!ruleNodes.has(id)) ruleNodes.set(id, createRule(rule, at));
    const { node, applied, left, requests } = ruleNodes.get(id);
    node.className = rule.left === 0 ? "used" : "";
    setText(applied, `${rule.applied}×`);
    setText(left, rule.left == null ? "no limit" : rule.left === 0 ? "used up" : `${rule.left} left`);
    const newest = rule.requests.slice(-12).map((number) => `#${number}`);
    setText(requests, newest.length > 0 ? `requests ${newest.join(", ")}` : "no request yet");
    return node;
  });
  for (const [id, { node }] of ruleNodes) if (!shown.includes(node)) ruleNodes.delete(id);
  $("no-rules").hidden = shown.length > 0;
  arrange($("rules"), shown);
}

function createRule(rule, at) {
  const applied = element("span", { className: "chip" });
  const left = element("span", { className: "muted" });
  const requests = element("p", { className: "muted" });
  const name = element("span", { className: "name", textContent: ruleName(rule, at) });
  const node = element("li", {}, element("details", {}, element("summary", {}, name, applied, left), requests, block("rule", pretty(rule.rule))));
  return { node, applied, left, requests };
}

/** Shows the choice of a key if there are several. */
function showKeys() {
  const keys = model.state.keys.map(({ key }) => key);
  const shown = keys.join();
  if ($("key").dataset.shown === shown) return;
  $("key").dataset.shown = shown;
  const option = (value, textContent) => element("option", { value, textContent });
  $("key").replaceChildren(option("", `all ${keys.length} keys`), ...keys.map((key) => option(key, shortKey(key))));
  // After a reset of all keys, the chosen one may be unknown.
  if (model.key !== "" && !keys.includes(model.key)) choose("");
  $("key").value = model.key;
  $("key-field").hidden = keys.length < 2;
  // The cards show keys only if there are several.
  cards.clear();
}
$("key").addEventListener("change", () => choose($("key").value));

function choose(key) {
  model.key = key;
  forget();
  pollNow();
}
