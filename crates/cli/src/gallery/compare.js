// Two videos side by side, which play in step.

/** The longer video leads; the other one follows its time. */
const pair = { leader: null, follower: null };

/** A larger difference can be seen; a smaller one is corrected by no seek. */
const MAX_DRIFT_SECONDS = 0.1;

/** Moves the follower to the time of the leader. */
function follow(always) {
  const { leader, follower } = pair;
  const time = Math.min(leader.currentTime, follower.duration);
  if (always || (!follower.seeking && Math.abs(follower.currentTime - time) > MAX_DRIFT_SECONDS)) follower.currentTime = time;
}

function showPosition() {
  const { leader } = pair;
  $("position").value = leader.currentTime;
  $("clock").textContent = `${leader.currentTime.toFixed(1)} of ${leader.duration.toFixed(1)} s`;
  $("toggle").textContent = leader.paused ? "Play" : "Pause";
}

/** Keeps the videos in step for as long as the leader plays. */
function step() {
  const { leader, follower } = pair;
  if (leader === null) return;
  if (leader.ended) {
    leader.currentTime = 0;
    follow(true);
    play(leader);
    play(follower);
  }
  follow(false);
  showPosition();
  if (!leader.paused) requestAnimationFrame(step);
}

function playPair() {
  follow(true);
  for (const video of [pair.leader, pair.follower]) play(video);
  requestAnimationFrame(step);
}

function pausePair() {
  for (const video of [pair.leader, pair.follower]) video.pause();
  follow(true);
  showPosition();
}

/** The properties in which two requests differ. */
function differences(card, other) {
  const names = Object.keys({ ...card.request, ...other.request }).filter((name) => shown(card.request?.[name]) !== shown(other.request?.[name]));
  const rest = names.filter((name) => card.request?.[name] !== card.prompt || card.prompt === "");
  return element("dl", {}, ...rest.flatMap((name) => [element("dt", {}, name), element("dd", {}, shown(card.request?.[name]) ?? "not set")]));
}

/** Opens the comparison of two cards. */
async function compare(one, other) {
  const videos = [one, other].map((card) => element("video", { muted: true, playsInline: true, preload: "auto", src: source(card), "aria-label": card.name }));
  const caption = (card, against) => element("figcaption", {}, element("p", { className: "prompt" }, card.prompt || card.name), facts(card), differences(card, against));
  $("panes").replaceChildren(
    element("figure", {}, videos[0], caption(one, other)),
    element("figure", {}, videos[1], caption(other, one)),
  );
  $("comparison").showModal();
  await Promise.all(videos.map((video) => new Promise((loaded) => video.addEventListener("loadedmetadata", loaded, { once: true }))));
  if (!videos[0].isConnected) return;
  const [leader, follower] = videos[0].duration >= videos[1].duration ? videos : [videos[1], videos[0]];
  Object.assign(pair, { leader, follower });
  $("position").max = leader.duration;
  showPosition();
  if (!reducedMotion.matches) playPair();
}

$("toggle").addEventListener("click", () => {
  if (pair.leader !== null) pair.leader.paused ? playPair() : pausePair();
});
$("position").addEventListener("input", () => {
  if (pair.leader === null) return;
  pair.leader.currentTime = Number($("position").value);
  follow(true);
  showPosition();
});
$("close").addEventListener("click", () => $("comparison").close());
$("comparison").addEventListener("close", () => {
  Object.assign(pair, { leader: null, follower: null });
  $("panes").replaceChildren();
});
