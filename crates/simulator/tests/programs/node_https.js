// Creates a video with callbacks, as on the vendor's documentation pages: create, poll until the end, print the response.

// The simulator speaks plain HTTP; the two modules differ in nothing else.
const { URL } = require("url");
const { BASE_URL, URL_PATH, API_KEY, BODY, POLL_SECONDS } = process.env;
const https = require(BASE_URL.startsWith("https:") ? "https" : "http");

function send(method, query, data, callback) {
  const url = new URL(URL_PATH + query, BASE_URL);
  const options = {
    method,
    headers: { Authorization: `Bearer ${API_KEY}`, "Content-Type": "application/json" },
  };
  if (data) options.headers["Content-Length"] = Buffer.byteLength(data);
  const request = https.request(url, options, (response) => {
    let body = "";
    response.on("data", (chunk) => (body += chunk));
    response.on("end", () => callback(response.statusCode, body));
  });
  request.on("error", (error) => {
    console.error("Request error:", error.message);
    process.exit(1);
  });
  if (data) request.write(data);
  request.end();
}

function createVideo(callback) {
  send("POST", "", JSON.stringify(JSON.parse(BODY)), (status, body) => {
    if (status >= 400) {
      console.error(`Error: ${status} - ${body}`);
      process.exit(1);
    }
    callback(JSON.parse(body));
  });
}

function fetchVideo(generationId, callback) {
  const query = `?generation_id=${encodeURIComponent(generationId)}`;
  send("GET", query, null, (_, body) => callback(JSON.parse(body)));
}

createVideo((created) => {
  console.log("Generation ID:", created.id);
  const started = Date.now();
  const check = () => {
    if (Date.now() - started > 60000) {
      console.error("Timeout");
      process.exit(2);
    }
    fetchVideo(created.id, (body) => {
      console.log("Status:", body.status);
      if (["waiting", "active", "queued", "generating"].includes(body.status)) {
        setTimeout(check, Number(POLL_SECONDS) * 1000);
      } else {
        console.log(JSON.stringify(body));
      }
    });
  };
  check();
});
