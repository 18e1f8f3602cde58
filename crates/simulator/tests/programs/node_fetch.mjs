// Creates a video with `fetch`, as on the vendor's documentation pages: create, poll until the end, print the response.

const { BASE_URL, URL_PATH, API_KEY, BODY, POLL_SECONDS } = process.env;
const headers = { Authorization: `Bearer ${API_KEY}`, "Content-Type": "application/json" };

async function createVideo() {
  const response = await fetch(BASE_URL + URL_PATH, {
    method: "POST",
    headers,
    body: JSON.stringify(JSON.parse(BODY)),
  });
  if (!response.ok) throw new Error(`${response.status} - ${await response.text()}`);
  return response.json();
}

async function fetchVideo(generationId) {
  const params = new URLSearchParams({ generation_id: generationId });
  const response = await fetch(`${BASE_URL}${URL_PATH}?${params}`, { headers });
  return response.json();
}

async function main() {
  const created = await createVideo();
  console.log("Generation ID:", created.id);
  const started = Date.now();
  while (Date.now() - started < 60000) {
    const body = await fetchVideo(created.id);
    console.log("Status:", body.status);
    if (!["waiting", "active", "queued", "generating"].includes(body.status)) {
      console.log(JSON.stringify(body));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, Number(POLL_SECONDS) * 1000));
  }
  throw new Error("Timeout");
}

main().catch((error) => {
  console.error("Error:", error.message);
  process.exit(1);
});
