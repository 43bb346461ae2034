import { setTimeout as sleep } from "node:timers/promises";
import { appErrors } from "#app/errors.ts";
import type { JsonObject } from "#base/json.ts";
import {
  connectionHelp,
  connectionOf,
  connectionOptions,
  connectionUsage,
} from "../client/connection.ts";
import { refusal, ServerClient } from "../client/server-client.ts";
import type { Terminal, Tool } from "../tool.ts";
import { emptyList } from "./empty-list.ts";

const TASK_MS = 300_000;
const PENDING_MS = 120_000;
const TRIES = 5;
const PAUSE_MS = 10_000;

/** What a domain holds, in an order in which nothing is deleted that something else still needs. */
const LISTS: readonly (readonly [title: string, path: string])[] = [
  ["container namespaces", "pulp_container/namespaces/"],
  ["publications", "publications/"],
  ["distributions", "distributions/"],
  ["repositories", "repositories/"],
  ["remotes", "remotes/"],
  ["content guards", "contentguards/"],
];

export const deleteDomain: Tool = {
  name: "delete_domain",
  usage: `--domain NAME [--cleanup-only] [--dry-run] ${connectionUsage}`,
  summary: "Deletes everything in a domain, and then the domain.",
  help: [
    "",
    "Deletes container namespaces, publications, distributions, repositories, remotes and content",
    "guards, waits for tasks under way, deletes orphaned content, and the domain at last.",
    "  --cleanup-only      leaves the empty domain",
    "  --dry-run           only counts what is there",
    "Ends with 1 if something stays, and 130 after an interrupt; to run it again goes on.",
    ...connectionHelp,
  ],
  options: {
    ...connectionOptions,
    ...{ domain: { type: "string" }, "cleanup-only": { type: "boolean" } },
    "dry-run": { type: "boolean" },
  },
  async run(flags, terminal) {
    const { domain } = flags.text;
    if (!domain) throw appErrors.usage("Which domain? Give --domain NAME.");
    if (domain === "default") throw appErrors.usage("The domain default cannot be deleted.");
    const connection = await connectionOf(flags, terminal.environment);
    await using client = new ServerClient(connection, terminal.signal);
    const found = await domainNamed(client, domain);
    if (!found) {
      terminal.note(
        `There is no domain '${domain}' on ${connection.origin}, or it is not shown to you.`,
      );
      return 1;
    }
    const work = { client, terminal, domain };
    if (flags.on["dry-run"]) return await count(work);
    terminal.note(`Emptying the domain ${domain} of ${connection.origin}.`);
    const failures = await clean(work);
    if (failures > 0) {
      terminal.note(`The domain ${domain} stays, since ${failures} objects in it do.`);
      return 1;
    }
    if (flags.on["cleanup-only"]) {
      terminal.print(`The domain ${domain} is empty.`);
      return 0;
    }
    return await removeDomain(work, String(found.pulp_href));
  },
};

interface Work {
  readonly client: ServerClient;
  readonly terminal: Terminal;
  readonly domain: string;
}

async function domainNamed(client: ServerClient, name: string): Promise<JsonObject | undefined> {
  const { items } = await client.page(client.inDomain("default", "domains/"), { name });
  return items.find((item) => item.name === name);
}

async function count({ client, terminal, domain }: Work): Promise<number> {
  for (const [title, path] of LISTS) {
    const address = client.inDomain(domain, path);
    const { status } = await client.ask(address, { query: { limit: 1 } });
    const total = status === 404 ? 0 : (await client.page(address, { limit: 1 })).count;
    terminal.print(`${domain}: ${total} ${title}`);
  }
  return 0;
}

/** How many objects could not be deleted. */
async function clean({ client, terminal, domain }: Work): Promise<number> {
  let failures = 0;
  for (const [title, path] of LISTS) {
    const address = client.inDomain(domain, path);
    const { deleted, failed } = await emptyList(client, address, {
      taskTimeoutMs: TASK_MS,
      note: terminal.note,
    });
    if (deleted + failed > 0) terminal.note(`${title}: ${deleted} deleted, ${failed} not.`);
    failures += failed;
  }
  await pendingTasks({ client, terminal, domain });
  const cleanUp = await client.json(client.inDomain(domain, "orphans/cleanup/"), {
    method: "POST",
    json: { orphan_protection_time: 0 },
  });
  await client.done(cleanUp, TASK_MS);
  terminal.note("Orphaned content is deleted.");
  return failures;
}

/** What still runs may put something into the domain, or hold what is to go. */
async function pendingTasks({ client, terminal, domain }: Work): Promise<void> {
  const end = performance.now() + PENDING_MS;
  const address = client.inDomain(domain, "tasks/");
  const query = { state__in: "waiting,running,canceling", limit: 1, fields: "pulp_href,name" };
  for (let told = -1; ; ) {
    const { count: pending } = await client.page(address, query);
    if (pending === 0) return;
    if (pending !== told) terminal.note(`Waiting for ${pending} tasks in ${domain}.`);
    if (performance.now() > end) {
      terminal.note(`${pending} tasks are under way after ${PENDING_MS / 1000} s; going on.`);
      return;
    }
    told = pending;
    await sleep(1000, undefined, { signal: client.signal });
  }
}

/** Tries five times: what was deleted may take a moment until it is gone. Resolves to the exit code. */
export async function removeDomain(
  { client, terminal, domain }: Work,
  href: string,
  pauseMs = PAUSE_MS,
): Promise<number> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const problem = await removal(client, href);
    if (problem === undefined) {
      terminal.print(`The domain ${domain} is deleted.`);
      return 0;
    }
    terminal.note(`Attempt ${attempt} of ${TRIES} to delete the domain ${domain}: ${problem}`);
    if (attempt < TRIES) await sleep(pauseMs, undefined, { signal: client.signal });
  }
  return 1;
}

/** Why it did not go; undefined when it is gone. */
async function removal(client: ServerClient, href: string): Promise<string | undefined> {
  const answer = await client.ask(href, { method: "DELETE" });
  if (answer.status === 404) return undefined;
  if (answer.status >= 400) return refusal(href, { method: "DELETE" }, answer).message;
  if (answer.text === "") return undefined;
  try {
    await client.done(JSON.parse(answer.text), TASK_MS);
    return undefined;
  } catch (error) {
    client.signal.throwIfAborted();
    return (error as Error).message;
  }
}
