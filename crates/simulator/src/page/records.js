
// The requests of a simulator, or the deviations of a proxy: a row each, with its details on demand.

const PAGE_ROWS = 100;
const MAX_RECORDS = 5000;

const hasDeviations = (record) => record.deviations.length > 0;
const SHOWN = {
  simulator: [
    ["all requests", () => true],
    ["violations", hasDeviations],
    ["errors", (record) => record.status == null || record.status >= 400],
    ["creates", (record) => record.method === "POST"],
    ["files", (record) => record.target.startsWith("/_simulator/files/")],
  ],
  proxy: [
    ["all deviations", () => true],
    ...["request", "response", "reading", "upstream"].map((subject) => [subject, (record) => record.deviations[0].subject === subject]),
  ],
};

const rows = new Map();
let rowLimit = PAGE_ROWS;

/** Adds records, newer ones in place of older ones with the same number. */
function addRecords(records) {
  for (const record of records) model.records.set(record.number, record);
  const surplus = model.records.size - MAX_RECORDS;
  if (surplus > 0) for (const number of [...model.records.keys()].sort((a, b) => a - b).slice(0, surplus)) model.records.delete(number);
  const found = records.filter(hasDeviations).length;
  if (found > 0) announce("records", `${found.toLocaleString("en")} new with violations`);
}

/** Shows the records that contain a text. */
function filterRecords(text) {
  $("filter").value = text;
  $("show").value = "0";
  rowLimit = PAGE_ROWS;
  showRecords();
  $("records").scrollIntoView({ block: "start" });
  $("records").focus({ preventScroll: true });
}

function showRecords() {
  const options = SHOWN[model.kind];
  if ($("show").length === 0) $("show").append(...options.map(([title], at) => element("option", { value: at, textContent: title })));
  const [, isShown] = options[Number($("show").value)];
  const text = $("filter").value.trim().toLowerCase();
  const matching = [...model.records.values()].filter((record) => isShown(record) && (text === "" || haystack(record).includes(text)));
  matching.sort((a, b) => b.number - a.number);
  // A row that is open stays in the list.
  const lastOpen = matching.findLastIndex((record) => rows.get(record.number)?.isOpen);
  rowLimit = Math.max(rowLimit, lastOpen + 1);
  const shown = matching.slice(0, rowLimit);
  const numbers = new Set(shown.map((record) => record.number));
  for (const number of rows.keys()) if (!numbers.has(number)) rows.delete(number);
  arrange($("rows"), shown.map(showRow));
  $("rows-more").hidden = matching.length <= rowLimit;
  const noun = model.kind === "proxy" ? "deviation" : "request";
  const all = plural(model.records.size, noun);
  const none = model.kind === "proxy" ? "none yet" : `none yet: point a program at ${location.origin}`;
  const note = model.records.size === 0 ? none : `${all}, the newest first`;
  setText($("records-note"), matching.length === model.records.size ? note : `${matching.length.toLocaleString("en")} of ${all}`);
}

const haystacks = new WeakMap();
function haystack(record) {
  if (!haystacks.has(record)) haystacks.set(record, JSON.stringify(record).toLowerCase());
  return haystacks.get(record);
}

function showRow(record) {
  let row = rows.get(record.number);
  if (row?.record === record) return row.node;
  if (!row) row = createRow(record.number);
  row.record = record;
  const { deviations, status } = record;
  row.node.className = hasDeviations(record) ? "violated" : "";
  row.button.replaceChildren(
    element("span", { className: "number", textContent: `#${record.exchange ?? record.number}` }),
    element("span", { className: "method", textContent: record.method }),
    element("span", { className: "target", textContent: record.target ?? record.path }),
    element("span", { className: "model", textContent: record.model ?? "" }),
    element("span", { className: "marks" }, ...marks(record)),
    element("span", { className: "status", "data-class": statusClass(status), textContent: status ?? "no response" }),
    element("span", { className: "at muted", textContent: new Date(record.at).toLocaleTimeString("en-GB") }),
  );
  if (row.isOpen) row.detail.replaceChildren(...details(record));
  return row.node;
}

function createRow(number) {
  const detail = element("div", { className: "detail", id: `record-${number}`, hidden: true });
  const button = element("button", { type: "button", className: "record", "aria-expanded": "false", "aria-controls": detail.id });
  const row = { node: element("li", {}, button, detail), button, detail, isOpen: false };
  button.addEventListener("click", () => {
    row.isOpen = !row.isOpen;
    button.setAttribute("aria-expanded", row.isOpen);
    detail.hidden = !row.isOpen;
    detail.replaceChildren(...(row.isOpen ? details(row.record) : []));
  });
  rows.set(number, row);
  return row;
}

function marks(record) {
  const rules = rulesOf(record).map((name) => element("span", { className: "chip rule", textContent: name, title: `the rule of the scenario: ${name}` }));
  if (!hasDeviations(record)) return rules;
  const [first] = record.deviations;
  const text = model.kind === "proxy" ? `${first.subject} ${first.part} ${first.pointer}` : plural(record.deviations.length, "violation");
  return [element("span", { className: "chip violation", textContent: `⚠ ${text}` }), ...rules];
}

function rulesOf(record) {
  const rules = model.state.rules ?? [];
  return rules.flatMap((rule, at) => (rule.requests.includes(record.number) ? [ruleName(rule, at)] : []));
}

const statusClass = (status) => (status == null ? "none" : String(Math.floor(status / 100)));

function details(record) {
  const parts = record.deviations.map((deviation) => {
    const place = `${deviation.subject} ${deviation.part} ${deviation.pointer}`.trim();
    const given = "given" in deviation && deviation.given !== null ? JSON.stringify(deviation.given) : "nothing";
    return element(
      "div",
      { className: "deviation" },
      element("strong", { textContent: place }),
      element("p", {}, "expected ", element("code", { textContent: deviation.allowed })),
      element("p", {}, "received ", element("code", { textContent: given })),
      deviation.document ? element("p", { className: "muted", textContent: deviation.document }) : null,
    );
  });
  if (record.is_judged === false && record.target.startsWith("/v2/")) {
    parts.push(element("p", { className: "muted", textContent: "not judged by the documents: only a part of the body is stored" }));
  }
  const facts = [
    ["time", record.at],
    ["key", record.key],
    ["model", record.model],
    ["generation", record.task],
    ["body", record.body_bytes > 0 ? plural(record.body_bytes, "byte") : null],
  ];
  const list = facts.filter(([, value]) => value != null).flatMap(([name, value]) => [element("dt", { textContent: name }), element("dd", { textContent: value })]);
  parts.push(element("dl", { className: "facts" }, ...list));
  if (record.headers) parts.push(block("request headers", lines(record.headers)));
  if (record.body != null) parts.push(block("request body", pretty(record.body)));
  if (record.response) parts.push(block("response headers", lines(record.response.headers)), block(`response body, status ${record.status}`, pretty(record.response.body)));
  return parts;
}

const pretty = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

const lines = (headers) => Object.entries(headers).map(([name, value]) => `${name}: ${value}`).join("\n");

function block(title, text) {
  // A region that scrolls has to be reachable by keyboard.
  const pre = element("pre", { textContent: text, tabIndex: 0, role: "region", "aria-label": title });
  return element("div", { className: "block" }, element("h3", { textContent: title }), pre);
}

for (const id of ["filter", "show"]) {
  $(id).addEventListener("input", () => {
    rowLimit = PAGE_ROWS;
    showRecords();
  });
}
$("rows-more").addEventListener("click", () => {
  rowLimit += PAGE_ROWS;
  showRecords();
});
