import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, type Api, ApiError } from "../../../test/support/api.ts";
import type { Random } from "../random.ts";
import { created, unitForm } from "../steps.ts";

/** What the tasks are about. */
export interface Stage {
  /** Hrefs. */
  readonly repositories: readonly string[];
  /** Units: each change of a repository makes the next of them its only one. */
  readonly units: readonly string[];
}

/** A task that the API has accepted. */
export interface Accepted {
  readonly task: string;
  readonly kind: Kind;
  readonly repository: string;
  /** What the repository has afterwards, for a change. */
  readonly unit?: string;
}

/** `change` and `describe` have the repository alone, `publish` shares it. */
export type Kind = "change" | "describe" | "publish";

export interface Load {
  readonly accepted: readonly Accepted[];
  /** Requests to cancel that were acknowledged. */
  readonly canceled: ReadonlySet<string>;
  /** Answers that nothing excuses: no process that serves requests is killed. */
  readonly wrong: readonly string[];
}

const REPOSITORIES = 24;
const UNITS = 50;
const CLIENTS = 12;
/** One in so many is cancelled: soon, or when others have been accepted since. */
const CANCEL_ONE_IN = 20;

export async function prepareStage(api: Api, random: Random): Promise<Stage> {
  const units = Array.from({ length: UNITS }, async () => {
    const task = await api.done(await api.post("content/file/files/", unitForm(random).body));
    return created(task, "/content/file/files/");
  });
  const repositories = Array.from({ length: REPOSITORIES }, async (_, n) => {
    const { pulp_href } = await api.post("repositories/file/file/", { name: `r${n}` });
    return String(pulp_href);
  });
  return { units: await Promise.all(units), repositories: await Promise.all(repositories) };
}

interface Plan {
  readonly kind: Kind;
  readonly repository: string;
  readonly path: string;
  readonly method: "POST" | "PATCH";
  readonly body: object;
  readonly unit?: string;
  readonly cancelAfterMs: number | undefined;
}

/** Dispatches so many tasks, as fast as several clients can. */
export async function dispatchAll(
  api: Api,
  {
    random,
    stage,
    count,
  }: { readonly random: Random; readonly stage: Stage; readonly count: number },
): Promise<Load> {
  const accepted: Accepted[] = [];
  const canceled = new Set<string>();
  const wrong: string[] = [];
  const cancelling: Promise<void>[] = [];
  const cancel = async (task: string, afterMs: number) => {
    await sleep(afterMs);
    const { status } = await api.request("PATCH", task, CANCEL);
    if (status === 200) canceled.add(task);
    else if (status !== 409) wrong.push(`cancelling ${task} answered ${status}`);
  };
  const plan = planner(random, stage);
  let left = count;
  const client = async () => {
    while (left > 0) {
      left -= 1;
      const { kind, repository, unit, cancelAfterMs, ...request } = plan();
      try {
        const { task } = await send(api, request);
        accepted.push({ task, kind, repository, ...(unit === undefined ? {} : { unit }) });
        if (cancelAfterMs !== undefined) cancelling.push(cancel(task, cancelAfterMs));
      } catch (error) {
        wrong.push(`${request.method} ${request.path}: ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  await Promise.all(cancelling);
  return { accepted, canceled, wrong };
}

const CANCEL: RequestInit = {
  body: JSON.stringify({ state: "canceled" }),
  headers: { "content-type": "application/json" },
};

async function send(
  api: Api,
  { method, path, body }: Pick<Plan, "method" | "path" | "body">,
): Promise<Answer> {
  const answer = method === "POST" ? await api.post(path, body) : await api.patch(path, body);
  if (typeof answer.task === "string") return answer;
  throw new ApiError(method, path, { status: 200, body: JSON.stringify(answer) });
}

/** The next thing to do, by the seed alone. */
function planner(random: Random, { repositories, units }: Stage): () => Plan {
  const turns = new Map<string, number>();
  return () => {
    const repository = random.pick(repositories);
    const cancelAfterMs = random.below(CANCEL_ONE_IN) === 0 ? random.below(3000) : undefined;
    const sort = random.below(20);
    if (sort === 0) {
      const body = { description: `turn ${random.below(1_000_000)}` };
      return {
        kind: "describe",
        repository,
        method: "PATCH",
        path: repository,
        body,
        cancelAfterMs,
      };
    }
    if (sort <= 3) {
      const [path, body] = ["publications/file/file/", { repository }];
      return { kind: "publish", repository, method: "POST", path, body, cancelAfterMs };
    }
    const turn = turns.get(repository) ?? 0;
    turns.set(repository, turn + 1);
    const unit = units[turn % units.length] ?? "";
    const body = { remove_content_units: ["*"], add_content_units: [unit] };
    const path = `${repository}modify/`;
    return { kind: "change", repository, method: "POST", path, body, unit, cancelAfterMs };
  };
}
