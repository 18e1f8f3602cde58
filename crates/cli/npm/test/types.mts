// Checked by `tsc` alone.
import { startSimulator, type Rule, type Simulator, type Task } from "aimlapi-video";

const simulator: Simulator = await startSimulator({ scenario: { next: [{ name: "x" }] }, speed: 1000, maxTasks: 10 });
const [task]: Task[] = await simulator.tasks({ limit: 1 });
const rules: Rule[] = await simulator.rules({ name: "x" });
const applied: number | undefined = rules[0]?.applied;
await simulator.assertRule("x", applied);
const statuses: Array<number | null> = (await simulator.requests({ method: "POST" })).map((request) => request.status);
console.log(simulator.url, simulator.key, task?.state === "queued", statuses);
await simulator.stop();
// @ts-expect-error The speed is a number.
await startSimulator({ speed: "fast" });
// @ts-expect-error Requests have no such filter.
await simulator.requests({ colour: "red" });
