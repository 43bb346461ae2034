import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "#base/json.ts";
import { type Attempt, retried } from "#base/retry.ts";
import { type Ask, isObject, refusal, type ServerClient } from "../client/server-client.ts";
import type { Answer } from "../client/transport.ts";

/** The first attempt, and three more where the server has failed. */
const ATTEMPTS = 4;

/**
 * Names of domains whose Python metadata are looked after: all but sources of content, which carry
 * the label `contentsources=true`.
 *
 * @param chosen only these, if there are any
 */
export async function* watchedDomains(
  client: ServerClient,
  chosen: readonly string[],
): AsyncGenerator<string> {
  for await (const domain of client.items(client.inDomain("default", "domains/"))) {
    const name = String(domain.name);
    const isWanted = chosen.length === 0 || chosen.includes(name);
    if (isWanted && !isSource(domain)) yield name;
  }
}

const isSource = ({ pulp_labels: labels }: JsonObject): boolean =>
  isObject(labels) && labels.contentsources === "true";

/**
 * Asks again while the server answers 500 or more.
 *
 * @throws the refusal of the last attempt, or at once that of an answer of 4xx
 */
export function askPatiently(
  client: ServerClient,
  path: string,
  ask: Ask = {},
  pauseMs = 1000,
): Promise<Answer> {
  const attempt = async (): Promise<Attempt<Answer>> => {
    const answer = await client.ask(path, ask);
    if (answer.status < 400) return { kind: "done", result: answer };
    const error = refusal(path, ask, answer);
    if (answer.status < 500) throw error;
    return { kind: "again", error };
  };
  const wait = (ms: number) => sleep(ms, undefined, { signal: client.signal });
  return retried(attempt, { attempts: ATTEMPTS, pauseMs, mostPauseMs: 30_000, wait });
}
