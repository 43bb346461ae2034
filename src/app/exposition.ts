import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { addRetired, aggregate } from "#platform/metrics/aggregate.ts";
import type { PrometheusMetrics, Readings } from "#platform/metrics/prometheus.ts";
import { closeServer, listen } from "./service.ts";

/** A process that does not answer in time is left out of a page. */
const ANSWER_MS = 2000;

/** What a primary and the processes that it started say about their instruments. */
type Message =
  | { readonly kind: "read"; readonly question: number }
  | { readonly kind: "readings"; readonly question: number; readonly readings: Readings }
  | { readonly kind: "retired"; readonly readings: Readings };

/**
 * Serves `/metrics` on a port of its own (service §20).
 *
 * @param read what each process measured
 * @throws `appErrors.listen`
 */
export async function serveExposition(
  port: number,
  read: () => Promise<readonly Readings[]>,
): Promise<AsyncDisposable> {
  const server = createServer(async ({ method, url }, response) => {
    const isFound = url?.split("?", 1)[0] === "/metrics" && ["GET", "HEAD"].includes(method ?? "");
    if (!isFound) return response.writeHead(404, { "content-length": 0 }).end();
    try {
      const text = await aggregate(await read());
      const type = "text/plain; version=0.0.4; charset=utf-8";
      return response.writeHead(200, { "content-type": type }).end(text);
    } catch {
      return response.writeHead(500, { "content-length": 0 }).end();
    }
  });
  await listen(server, { host: "::", port });
  return { [Symbol.asyncDispose]: () => closeServer(server, ANSWER_MS) };
}

/** The exposition of a process that stands alone. */
export const exposeOwn = (port: number, metrics: PrometheusMetrics): Promise<AsyncDisposable> =>
  serveExposition(port, async () => [await metrics.readings()]);

/** In a process that a primary started: answers its questions, and leaves what it counted. */
export function answerPrimary(metrics: PrometheusMetrics): AsyncDisposable {
  const onMessage = async (message: Message): Promise<void> => {
    if (message.kind !== "read") return;
    tell({ kind: "readings", question: message.question, readings: await metrics.readings() });
  };
  process.on("message", onMessage);
  return {
    async [Symbol.asyncDispose]() {
      process.off("message", onMessage);
      tell({ kind: "retired", readings: await metrics.readings() });
    },
  };
}

// A primary that has gone reads nothing any more.
const tell = (message: Message): void =>
  void process.send?.(message, undefined, undefined, () => {});

/** In a primary: what its processes measure, and what those measured that have ended. */
export function readWorkers(): () => Promise<readonly Readings[]> {
  let retired: Readings = [];
  let adding = Promise.resolve();
  let questions = 0;
  const gone = new WeakSet<Worker>();
  cluster.on("message", (worker, message: Message) => {
    if (message.kind !== "retired") return;
    gone.add(worker);
    adding = adding.then(async () => {
      retired = await addRetired(retired, message.readings);
    });
  });
  return async () => {
    questions += 1;
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    const answers = await Promise.all(
      workers.map(async (worker) => ({ worker, readings: await ask(worker, questions) })),
    );
    await adding;
    // What ended since it answered is among the retired.
    const live = answers.filter(({ worker }) => !gone.has(worker));
    return [retired, ...live.flatMap(({ readings }) => (readings ? [readings] : []))];
  };
}

async function ask(worker: Worker, question: number): Promise<Readings | undefined> {
  const ended = new AbortController();
  const { signal } = ended;
  const answered = (async () => {
    for (;;) {
      const [message] = (await once(worker, "message", { signal })) as [Message];
      if (message.kind === "readings" && message.question === question) return message.readings;
    }
  })();
  try {
    const late = sleep(ANSWER_MS, undefined, { signal });
    worker.send({ kind: "read", question } satisfies Message, () => undefined);
    return await Promise.race([answered, late]);
  } finally {
    ended.abort();
    await answered.catch(() => undefined);
  }
}
