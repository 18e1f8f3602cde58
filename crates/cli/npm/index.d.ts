/** The options of `startSimulator`. */
export interface Options {
  /** The rules for the next generations, such as `{ next: [{ end: { fail: { message: "refused" } } }] }`. */
  scenario?: Scenario;
  /** The API key of the code under test, by default one for each worker of the test runner. */
  key?: string;
  /** The URL of a simulator that already runs, to use instead of a new one. */
  url?: string;

  /** How many times faster than at the service time runs; 60 by default. */
  speed?: number;
  /** Stop time until `advance` moves it. */
  manualClock?: boolean;
  /** The seed of ids and durations. */
  seed?: number;
  /** The spread of durations around the stated ones, 0 to 2. */
  spread?: number;
  /** Check requests by the documents alone: numeric strings are not numbers. */
  strict?: boolean;
  /** Let web pages of any origin send requests. */
  cors?: boolean;
  /** How many generations run at once. */
  slots?: number;
  /** How many requests are accepted in a minute. */
  rateLimit?: number;
  /** How many credits each key has. */
  credits?: number;
  /** A file with a recording to replay. */
  replay?: string;
  /** Refuse creates that the recording does not have. */
  replayOnly?: boolean;
  /**
   * Forward requests to the service and append each exchange to this file; `key` is then by default that of `AIML_API_KEY`. The
   * service has no scenario, lists and clock, so those calls are errors.
   */
  record?: string;
  /** With `record`: the base URL to forward to, instead of the service's. */
  upstream?: string;
  /** Any other option of `aimlapi-video simulate` (with `record`: `proxy`), in camel case. */
  [option: string]: unknown;
}

/** Rules for the next generations; the guide page "contract tests" describes them. */
export interface Scenario {
  next: Array<Record<string, unknown>>;
}

/** What a list is limited to. */
export interface Filters {
  method?: string;
  /** The start of the path. */
  path?: string;
  model?: string;
  /** The number of the first request, or a time. */
  since?: number | string;
  /** The number of the newest items. */
  limit?: number;
}

/** A request that the simulator received. */
export interface Request {
  number: number;
  at: string;
  method: string;
  target: string;
  headers: Record<string, string>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- Any JSON.
  body: any;
  body_bytes: number;
  key: string | null;
  task: string | null;
  model: string | null;
  /** `null` if the connection was closed instead. */
  status: number | null;
}

/** A generation. */
export interface Task {
  id: string;
  model: string;
  route: string;
  created: string;
  status: string;
  state: "queued" | "generating" | "completed" | "failed" | "unknown";
  seconds_left: number | null;
  polls: number;
  downloads: number;
  credits: number;
  prompt: string | null;
  key: string;
  /** The numbers of the requests that created, polled and downloaded it. */
  requests: number[];
}

/** A rule of a scenario, and the creates that it applied to. */
export interface Rule {
  name: string | null;
  applied: number;
  left: number | null;
  requests: number[];
  rule: Record<string, unknown>;
}

/** A simulator, and the state that it keeps for one API key. Its methods reject with the message of the binary. */
export interface Simulator {
  /** The base URL for the code under test. */
  readonly url: string;
  /** The API key for the code under test. Requests with other keys are not in the lists. */
  readonly key: string;
  /** Returns the key to the initial state: no generations, requests and rules; clock, credits and seeded ids anew. */
  reset(): Promise<void>;
  /** Adds rules. */
  scenario(scenario: Scenario): Promise<void>;
  /** Lists the requests, the oldest first. */
  requests(filters?: Filters): Promise<Request[]>;
  /** Lists the generations, the oldest first. */
  tasks(filters?: Filters): Promise<Task[]>;
  /** Lists the rules, those that are used up included. */
  rules(filters?: { name?: string }): Promise<Rule[]>;
  /** Rejects unless the rules of this name applied to this number of creates, by default 1. */
  assertRule(name: string, applied?: number): Promise<void>;
  /** Moves the clock forward. */
  advance(seconds: number): Promise<void>;
  /** Ends the process, unless `url` was given. */
  stop(): Promise<void>;
}

/**
 * Starts a simulator, which ends by `stop`, or with this process.
 *
 * Rejects with the binary's message if it refuses the options.
 */
export function startSimulator(options?: Options): Promise<Simulator>;
