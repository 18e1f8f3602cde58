// The cards. Every text of the data enters the page as text, never as HTML.

/** Returns the element with an id. */
const $ = (id) => document.getElementById(id);

/** Creates an element with properties and children; `null` children are left out. */
function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

/** Creates the sign of a button. */
function sign(path) {
  const create = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
  const [svg, shape] = [create("svg"), create("path")];
  svg.setAttribute("viewBox", "0 0 10 10");
  svg.setAttribute("aria-hidden", "true");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
/** Formats an amount with two to four decimals. */
const usd = (amount) => `${amount.toFixed(4).replace(/0{1,2}$/, "")} USD`;
/** Formats a value of a request. */
const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value));
/** The URL of a video, relative to the page. The time makes the first frame the poster in browsers that show none otherwise. */
const source = (card) => `${encodeURIComponent(card.name)}#t=0.001`;

const data = JSON.parse($("data").textContent);
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

/** Loads the first frame of a video. */
function load(video) {
  if (video.hasAttribute("src")) return;
  video.preload = "metadata";
  video.src = video.dataset.source;
}

/** Plays a video. A browser may refuse, and a pause right after it rejects the promise; then the video just stays paused. */
function play(video) {
  load(video);
  video.play().catch(() => {});
}

/** Loads the videos that come near the window and unloads the others, since browsers limit the number of loaded videos. */
const loader = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) load(target);
    else if (target.hasAttribute("src") && target.paused) {
      target.removeAttribute("src");
      target.load();
    }
  }
}, { rootMargin: "400px" });

/** The video of a card, with the button that covers it. */
function stage(card, onLength) {
  const video = element("video", { muted: true, loop: true, playsInline: true, preload: "none", "aria-label": card.name });
  video.dataset.source = source(card);
  const button = element("button", { type: "button", className: "play", id: `play ${card.name}`, "aria-label": `Play ${card.name}` }, sign("M2 0l7 5-7 5z"));
  const box = element("div", { className: "screen" }, video, button);
  const mark = (isPlaying) => {
    box.classList.toggle("playing", isPlaying);
    button.setAttribute("aria-label", `${isPlaying ? "Pause" : "Play"} ${card.name}`);
  };
  video.addEventListener("play", () => mark(true));
  video.addEventListener("pause", () => mark(false));
  video.addEventListener("loadedmetadata", () => onLength(video.duration));
  video.addEventListener("error", () => {
    box.classList.add("unplayable");
    button.disabled = true;
    button.replaceChildren("This browser cannot play the file.");
  });
  button.addEventListener("click", () => (video.paused ? play(video) : video.pause()));
  // The focus of a click is not visible, and the click itself plays.
  button.addEventListener("focus", () => {
    if (button.matches(":focus-visible") && !reducedMotion.matches && !isRestoring) play(video);
  });
  button.addEventListener("blur", () => video.pause());
  box.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse" && !reducedMotion.matches) play(video);
  });
  box.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse") video.pause();
  });
  loader.observe(video);
  return box;
}

/** Why there is no video, and the command that makes one. */
function reason(card) {
  const box = element("div", { className: "reason" }, element("p", {}, card.error ?? "There is no video."));
  box.dataset.state = card.state;
  if (card.command !== null) {
    const code = element("code", { tabIndex: 0 }, card.command);
    const copy = element("button", { type: "button", id: `copy ${card.name}`, "aria-label": `Copy command for ${card.name}` }, "Copy command");
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(card.command);
        copy.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        copy.textContent = "Selected; copy it now";
      }
    });
    box.append(code, copy);
  }
  return box;
}

/** The facts below a prompt. */
function facts(card) {
  const strong = (text) => element("span", {}, element("strong", {}, text));
  return element(
    "p",
    { className: "facts" },
    card.usd_spent == null ? null : strong(usd(card.usd_spent)),
    card.length == null ? null : element("span", {}, `${card.length} s`),
    card.request?.seed == null ? null : element("span", {}, `seed ${shown(card.request.seed)}`),
    card.created_at == null ? null : element("span", {}, new Date(card.created_at).toLocaleString(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" })),
  );
}

/** All else that is known of a card. */
function details(card) {
  const known = {
    id: card.id,
    "took": card.ended_at && card.created_at ? `${Math.round((new Date(card.ended_at) - new Date(card.created_at)) / 1000)} s` : null,
    credits: card.credits_used?.toLocaleString("en"),
    ...card.request,
    "SHA-256": card.sha256,
  };
  const rows = Object.entries(known).filter(([name, value]) => value != null && name !== "model" && value !== card.prompt);
  const list = element("dl", {}, ...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, shown(value))]));
  return element("details", { id: `details ${card.name}` }, element("summary", {}, "Details"), list);
}

/** Creates the item of a card. */
function item(card, onChoose) {
  const length = element("span", { className: "tag" });
  const showLength = (seconds) => (length.textContent = `${Math.round(seconds)} s`);
  const top = card.has_video ? stage(card, showLength) : reason(card);
  if (card.has_video) top.append(length);
  if (card.length != null) showLength(card.length);
  const choose = element("input", { type: "checkbox", id: `choose ${card.name}`, "aria-label": `Compare ${card.name}` });
  choose.addEventListener("change", () => onChoose(card, choose.checked));
  const more = card.request == null ? null : details(card);
  const node = element(
    "li",
    { className: "card" },
    top,
    element(
      "div",
      { className: "text" },
      element("h2", { className: "prompt" }, card.prompt || card.name),
      facts(card),
      element("div", {}, card.model == null ? null : element("span", { className: "chip", title: card.model }, card.model), " ", card.has_video ? null : chip(card)),
      more,
      card.has_video ? element("div", { className: "actions" }, element("a", { href: encodeURIComponent(card.name) }, card.name), element("label", {}, choose, "Compare")) : element("p", { className: "muted" }, card.name),
    ),
  );
  more?.addEventListener("toggle", () => node.classList.toggle("open", more.open));
  return node;
}

function chip(card) {
  const node = element("span", { className: "chip" }, card.state);
  node.dataset.state = card.state;
  return node;
}
