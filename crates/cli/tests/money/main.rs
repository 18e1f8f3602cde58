//! What generations cost: where the cost is printed, and what the limits of spending prevent.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod dry_run;

use aimlapi_video_test_support as support;

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};
use support::{
    Server,
    cli::Cli,
    http,
    paid::{respond, service},
};

const MODEL: &str = "klingai/v2-master-text-to-video";

fn creates(server: &Server) -> usize {
    let requests = server.requests();
    requests
        .iter()
        .filter(|request| request.method == "POST")
        .count()
}

/// The highest number of generations that were created and not yet completed.
fn most_in_flight(server: &Server) -> usize {
    let (mut open, mut most) = (0, 0);
    for request in server.requests() {
        match (&*request.method, request.target.contains("generation_id=")) {
            ("POST", _) => open += 1,
            (_, true) => open -= 1,
            _ => {}
        }
        most = most.max(open);
    }
    most
}

fn write_batch(cli: &Cli, prompts: &[&str]) {
    let line = |prompt: &&str| json!({ "model": MODEL, "prompt": prompt }).to_string() + "\n";
    let text: String = prompts.iter().map(line).collect();
    fs::write(cli.path("b.jsonl"), text).unwrap();
}

fn batch<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let run = ["batch", "b.jsonl", "--speed", "1000", "--out", out];
    [&run[..], more].concat()
}

fn generate<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let run = [
        "generate", MODEL, "--speed", "1000", "--prompt", "g1", "-o", "a.mp4",
    ];
    [&run[..], more].concat()
}

#[tokio::test]
async fn cost_is_in_the_last_line_and_in_the_total() {
    let server = service().await;
    let cli = Cli::at(server.url());
    let ran = cli.run(&generate(&[])).await;
    let bytes = support::files::CLIP.len();
    let line = format!("saved a.mp4 ({bytes} bytes), cost 0.25 USD (500000 credits)\n");
    assert_eq!(ran.stdout, line);
    let json = cli.run(&generate(&["--overwrite", "--json"])).await.json();
    assert_eq!(
        (&json["usd_spent"], &json["credits_used"]),
        (&json!(0.25), &json!(500_000.0))
    );
    write_batch(&cli, &["b1", "b2", "fail"]);
    let ran = cli.run(&batch("out", &["--json"])).await;
    let lines: Vec<&str> = ran.stderr.lines().collect();
    let [.., total, cost, _] = lines[..] else {
        panic!("{ran:?}");
    };
    assert!(total.starts_with("2 of 3 saved, 1 failed, "), "{ran:?}");
    assert_eq!(cost, "cost 0.50 USD (1000000 credits)");
    let saved = ran
        .stdout
        .lines()
        .filter(|line| line.contains("\"usd_spent\":0.25"));
    assert_eq!(saved.count(), 2, "{ran:?}");
}

/// A service that states the cost, 0.7 USD, in the headers of the create alone; the body of a poll states 0. A generation ends
/// once it is released.
async fn service_of_headers(released: &Arc<AtomicBool>) -> Server {
    let released = Arc::clone(released);
    Server::start(move |_, request| {
        let headers = [
            ("content-type", "application/json"),
            ("x-aimlapi-usd-spent", "0.7"),
        ];
        let is_poll = request.target.contains("generation_id=");
        match &*request.method {
            "POST" => {
                let body: Value = serde_json::from_slice(&request.body).unwrap();
                let body = json!({ "id": body["prompt"], "status": "queued" });
                http(201, &headers, body.to_string())
            }
            _ if is_poll && !released.load(Ordering::SeqCst) => {
                support::json(200, json!({ "id": "g", "status": "generating" }))
            }
            _ => respond(request, json!({ "usage": { "usd_spent": 0 } })),
        }
    })
    .await
}

#[tokio::test]
async fn cost_in_the_headers_of_the_create_counts() {
    let server = service_of_headers(&Arc::new(AtomicBool::new(true))).await;
    let ran = Cli::at(server.url()).run(&generate(&[])).await;
    assert!(
        ran.stdout.ends_with(", cost 0.70 USD (1400000 credits)\n"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn cost_in_the_headers_of_the_create_counts_in_a_batch_and_in_later_commands() {
    let released = Arc::new(AtomicBool::new(true));
    let server = service_of_headers(&released).await;
    let cli = Cli::at(server.url());
    write_batch(&cli, &["b1", "b2", "b3", "b4", "b5", "b6"]);
    let ran = cli.run(&batch("out", &["--max-usd", "0.8"])).await;
    assert_eq!((ran.code, creates(&server)), (2, 1), "{ran:?}");
    assert!(ran.stderr.contains("cost 0.70 USD"), "{ran:?}");

    let created = ["generate", MODEL, "--prompt", "g1", "--no-wait"];
    assert_eq!(cli.run(&created).await.code, 0);
    let ran = cli.run(&["wait", "--last", "-o", "w.mp4"]).await;
    assert!(ran.stdout.contains("cost 0.70 USD"), "{ran:?}");

    released.store(false, Ordering::SeqCst);
    write_batch(&cli, &["k1"]);
    let mut child = cli.command(&batch("killed", &[])).spawn().unwrap();
    while !cli.run(&["history"]).await.stdout.contains("\nk1 ") {}
    child.kill().await.unwrap();
    released.store(true, Ordering::SeqCst);
    let ran = cli
        .run(&["resume", "killed/journal.jsonl", "--speed", "1000"])
        .await;
    assert!(ran.stderr.contains("cost 0.70 USD"), "{ran:?}");
    let history = cli.run(&["history", "--json"]).await.json();
    let costs = history.as_array().unwrap().iter();
    assert!(
        costs
            .map(|entry| &entry["usd_spent"])
            .all(|usd| *usd == 0.7)
    );
}

#[tokio::test]
async fn batch_stops_before_the_create_that_may_exceed_the_limit() {
    let server = service().await;
    let cli = Cli::at(server.url());
    write_batch(&cli, &["b1", "b2", "b3", "b4", "b5", "b6"]);
    let ran = cli.run(&batch("out", &["--max-usd", "1", "--json"])).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(creates(&server), 4);
    let methods: Vec<String> = server
        .requests()
        .into_iter()
        .map(|request| request.method)
        .collect();
    assert_eq!(methods[..2], ["POST", "GET"], "the first one runs alone");
    let why = "2 lines are not created: the limit of 1.00 USD may be exceeded: 1.00 USD are spent";
    assert!(ran.stderr.contains(why), "{ran:?}");
    let stopped = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let stopped: Vec<Value> = stopped
        .filter(|job: &Value| job["error"]["kind"] == "max_usd")
        .collect();
    assert_eq!(stopped.len(), 2);
    assert_eq!(stopped[0]["line"], 5);
    let ran = cli.run(&batch("out", &["--max-usd", "0.5"])).await;
    assert_eq!((ran.code, creates(&server)), (0, 6), "{ran:?}");
    assert!(ran.stderr.contains("2 of 2 saved"), "{ran:?}");
}

#[tokio::test]
async fn length_that_the_history_lacks_or_that_is_no_integer_does_not_hide_the_price() {
    // A second costs 0.05 USD.
    let server = Server::start(|_, request| {
        let id = request.target.rsplit('=').next().unwrap_or_default();
        let usd = if id.starts_with("long") { 0.5 } else { 0.25 };
        respond(request, json!({ "usage": { "usd_spent": usd } }))
    })
    .await;
    let cli = Cli::at(server.url());
    let lines = |duration: Value| {
        let line = |prompt: &str| {
            json!({ "model": MODEL, "prompt": prompt, "duration": duration }).to_string() + "\n"
        };
        ["long1", "long2", "long3"].map(line).concat()
    };
    let home = Cli::at(server.url());
    assert_eq!(home.run(&generate(&["--set", "duration=5"])).await.code, 0);
    fs::write(home.path("b.jsonl"), lines(json!(10.0))).unwrap();
    let ran = home.run(&batch("out", &["--max-usd", "0.75"])).await;
    assert_eq!(creates(&server), 2, "{ran:?}");
    let before = creates(&server);
    assert_eq!(cli.run(&generate(&[])).await.code, 0);
    fs::write(cli.path("b.jsonl"), lines(json!(10))).unwrap();
    let ran = cli.run(&batch("out", &["--max-usd", "0.75"])).await;
    assert_eq!(creates(&server) - before, 2, "{ran:?}");
}

#[tokio::test]
async fn history_prices_the_first_create_and_those_in_flight() {
    let server = service().await;
    let cli = Cli::at(server.url());
    assert_eq!(cli.run(&generate(&[])).await.code, 0);
    let refused = cli
        .run(&generate(&["--overwrite", "--max-usd", "0.2", "--json"]))
        .await;
    assert_eq!((refused.code, creates(&server)), (2, 1), "{refused:?}");
    assert_eq!(refused.json()["error"]["kind"], "max_usd");

    let pricey = service().await;
    let moved = Cli {
        base: Some(pricey.url()),
        ..cli
    };
    // Another service may have other prices.
    let run = generate(&["--overwrite", "--max-usd", "0.2"]);
    assert_eq!(moved.run(&run).await.code, 0);
    write_batch(&moved, &["b1", "b2", "b3", "b4"]);
    let before = creates(&pricey);
    let ran = moved.run(&batch("out", &["--max-usd", "0.6"])).await;
    assert_eq!((ran.code, creates(&pricey) - before), (2, 2), "{ran:?}");
    assert!(most_in_flight(&pricey) <= 2);
}

#[tokio::test]
async fn request_without_a_length_costs_at_most_what_the_model_has_cost() {
    let server = service().await;
    let cli = Cli::at(server.url());
    assert_eq!(cli.run(&generate(&["--duration", "10"])).await.code, 0);
    let run = generate(&["--overwrite", "--max-usd", "0.1"]);
    let ran = cli.run(&run).await;
    assert_eq!((ran.code, creates(&server)), (2, 1), "{ran:?}");
    write_batch(&cli, &["b1", "b2"]);
    let ran = cli.run(&batch("out", &["--dry-run"])).await;
    assert!(ran.stdout.ends_with("estimate: 0.50 USD\n"), "{ran:?}");
}

#[tokio::test]
async fn cost_of_clips_without_a_length_refuses_a_limit_below_it() {
    let server = service().await;
    let cli = Cli::at(server.url());
    assert_eq!(cli.run(&generate(&[])).await.code, 0);
    let longer = generate(&["--overwrite", "--duration", "10", "--max-usd"]);
    let ran = cli.run(&[&longer[..], &["0.2"]].concat()).await;
    assert_eq!((ran.code, creates(&server)), (2, 1), "{ran:?}");
    let why = "the limit of 0.20 USD may be exceeded: 0.00 USD are spent, and the next generation may cost 0.25 USD";
    assert!(ran.error().ends_with(why), "{ran:?}");
    let ran = cli.run(&[&longer[..], &["0.3"]].concat()).await;
    assert_eq!((ran.code, creates(&server)), (0, 2), "{ran:?}");
}

#[tokio::test]
async fn limit_is_not_kept_by_guesses_where_the_service_states_no_cost() {
    let server = Server::start(|_, request| respond(request, json!({}))).await;
    let cli = Cli::at(server.url());
    write_batch(&cli, &["b1", "b2"]);
    let ran = cli.run(&batch("out", &["--max-usd", "100"])).await;
    assert_eq!((ran.code, creates(&server)), (2, 1), "{ran:?}");
    assert!(
        ran.stderr
            .contains("the service stated no cost of an earlier generation"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("1 line is not created"), "{ran:?}");
    let wrong = cli.run(&batch("out", &["--max-usd", "many"])).await;
    assert!(
        wrong.stderr.contains("expected an amount such as 5"),
        "{wrong:?}"
    );
}

#[tokio::test]
async fn failed_generation_does_not_end_a_batch_with_a_limit() {
    let server = service().await;
    let cli = Cli::at(server.url());
    write_batch(&cli, &["fail1", "b2", "fail3", "b4"]);
    let ran = cli.run(&batch("out", &["--max-usd", "0.5"])).await;
    assert_eq!((ran.code, creates(&server)), (3, 4), "{ran:?}");
}

#[tokio::test]
async fn request_with_a_warning_is_refused_on_request() {
    let server = service().await;
    let cli = Cli::at(server.url());
    let denied = generate(&["--set", "typo=1", "--deny-warnings", "--json"]);
    let ran = cli.run(&denied).await;
    assert_eq!((ran.code, creates(&server)), (2, 0), "{ran:?}");
    let error = &ran.json()["error"];
    assert_eq!(error["kind"], "warnings_denied");
    assert_eq!(error["violations"][0]["pointer"], "/typo");
    let body = json!({ "model": MODEL, "prompt": "b", "typo": 1 });
    fs::write(cli.path("b.jsonl"), format!("\n{body}\n")).unwrap();
    let ran = cli.run(&batch("out", &["--deny-warnings", "--json"])).await;
    assert_eq!((ran.code, creates(&server)), (2, 0), "{ran:?}");
    assert_eq!(ran.json()["error"]["violations"][0]["line"], 2);
}
