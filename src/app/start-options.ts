import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Bind, originOf, parseBind } from "./bind.ts";
import { appErrors } from "./errors.ts";
import { integerFlag, readFlags } from "./flags.ts";

/** What the one-command start was told (core-tasks-ops §17). */
export interface StartOptions {
  readonly home: string;
  /** Undefined makes one up. */
  readonly adminPassword: string | undefined;
  readonly apiBind: Bind;
  readonly contentBind: Bind;
  readonly apiOrigin: string | null;
  readonly contentOrigin: string | null;
  readonly taskSlots: number | undefined;
}

export const START_USAGE = `Usage: npm start -- [flags]

Brings up everything: the database, the API, the content app and the task workers.

  --home FOLDER            data folder                         DECKLE_HOME, default .deckle
  --admin-password TEXT    of admin, at the first start only   DECKLE_ADMIN_PASSWORD, default made up
  --api-bind HOST:PORT     address of the API                  DECKLE_API_BIND, default 127.0.0.1:24817
  --content-bind HOST:PORT address of the content app          DECKLE_CONTENT_BIND, default 127.0.0.1:24816
  --task-slots N           tasks at the same time              DECKLE_TASK_SLOTS, default one per core, at least 2
  --help                   this text

DATABASE_URL or PULP_DATABASES__default__… name a database of your own. Every setting of
docs/reference/settings.md can be given as PULP_<NAME>.
`;

const OPTIONS = {
  home: { type: "string" },
  "admin-password": { type: "string" },
  "api-bind": { type: "string" },
  "content-bind": { type: "string" },
  "task-slots": { type: "string" },
  help: { type: "boolean" },
} as const;

/** Flags win over variables; undefined if the help was asked for. */
export function readStartOptions(
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv,
): StartOptions | undefined {
  const flags = readFlags(parameters, OPTIONS);
  if (flags.on.help) return undefined;
  const [extra] = flags.rest;
  if (extra !== undefined) throw appErrors.usage(`There is nothing to do with '${extra}'.`);
  const given = (flag: string) =>
    flags.text[flag] || environment[`DECKLE_${flag.toUpperCase().replaceAll("-", "_")}`];
  const apiBind = parseBind(given("api-bind") || "127.0.0.1:24817");
  const contentBind = parseBind(given("content-bind") || "127.0.0.1:24816");
  return {
    home: resolve(given("home") || join(checkout, ".deckle")),
    adminPassword: given("admin-password") || undefined,
    apiBind,
    contentBind,
    apiOrigin: originOf(apiBind, hostname()),
    contentOrigin: originOf(contentBind, hostname()),
    taskSlots: slots(given("task-slots")),
  };
}

const checkout = fileURLToPath(new URL("../../", import.meta.url));

function slots(text: string | undefined): number | undefined {
  const count = integerFlag("task-slots", text || undefined);
  if (count === 0) throw appErrors.usage("--task-slots must be at least 1.");
  return count;
}
