// What all parts of the page share. Every text of the server enters the page as text, never as HTML.

/** Returns the element with an id. */
const $ = (id) => document.getElementById(id);

/** Creates an element with properties and children; `null` children are left out. */
function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

/** Makes `nodes` the children of `parent`; children that stay in place are not touched, so that videos go on. */
function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let next = parent.firstElementChild;
  for (const node of nodes) {
    if (node === next) next = next.nextElementSibling;
    else parent.insertBefore(node, next);
  }
}

/** Gives the focus back to an element that a change moves, and that loses it thereby. */
function keepFocus(change) {
  const focused = document.activeElement;
  change();
  if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
}

/** Sets a text only if it differs, so that nothing is announced or laid out again. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** Formats a length of time. */
function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours > 0) return `${hours.toLocaleString("en")} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${rest} s` : `${rest} s`;
}

/** Formats a time since the start as a clock shows it. */
function clockTime(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/** The name of a key: the start of its hash. */
const shortKey = (key) => key.replace(/^sha256:(.{8}).*$/, "key $1…");
/** The name of a rule of the scenario, or its position. */
const ruleName = (rule, at) => rule.name ?? `rule ${at + 1}`;

/** What the page knows. */
const model = {
  kind: null,
  state: {},
  /** When the state was received, by `performance.now()`. */
  at: 0,
  /** The hash of the key that the page is limited to; empty for all keys. */
  key: "",
  /** The exchanges or deviations by number. */
  records: new Map(),
};

/** The time on the clock of a key, of the chosen key, or of all keys. */
function now(key = model.key) {
  const { now_seconds, now_seconds_by_key = {}, speed } = model.state;
  return (now_seconds_by_key[key] ?? now_seconds) + ((speed ?? 0) * (performance.now() - model.at)) / 1000;
}

const announcements = new Map();
/** Tells screen readers the latest text about each subject, all of a second at once. */
function announce(subject, text) {
  if (announcements.size === 0) {
    setTimeout(() => {
      $("announcer").textContent = [...announcements.values()].join("; ");
      announcements.clear();
    }, 1000);
  }
  announcements.set(subject, text);
}
