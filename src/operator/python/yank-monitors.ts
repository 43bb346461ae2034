import { appErrors } from "#app/errors.ts";
import type { Flags } from "#app/flags.ts";
import {
  connectionHelp,
  connectionOf,
  connectionOptions,
  connectionUsage,
} from "../client/connection.ts";
import { ServerClient } from "../client/server-client.ts";
import type { Terminal, Tool } from "../tool.ts";

export const configureYankMonitors: Tool = {
  name: "configure-yank-monitors",
  usage: `(--env NAME | --base-url URL) --domain NAME [--repository NAME]… [--dry-run | --verify] ${connectionUsage}`,
  summary:
    "Gives Python repositories a monitor that looks for releases yanked from the public index.",
  help: [
    "",
    "The monitor of a repository is named yank-monitor-<repository>. Repositories that are watched",
    "already are skipped; where that name is of a monitor of something else, the end is 1.",
    "  --env NAME          a profile, as --profile",
    "  --domain NAME       the domain of the repositories",
    "  --repository NAME   only this one, or these; else all Python repositories of the domain",
    "  --dry-run           tells what would be made",
    "  --verify            makes nothing; ends with 1 if a repository is not watched",
    ...connectionHelp,
  ],
  options: {
    ...connectionOptions,
    ...{ env: { type: "string" }, domain: { type: "string" } },
    repository: { type: "string", multiple: true },
    ...{ "dry-run": { type: "boolean" }, verify: { type: "boolean" } },
  },
  async run(flags, terminal) {
    const { env, domain, ...text } = flags.text;
    if (!domain) throw appErrors.usage("Which domain? Give --domain NAME.");
    if (flags.on["dry-run"] && flags.on.verify) {
      throw appErrors.usage("--dry-run and --verify exclude each other.");
    }
    if (env !== undefined && (text["base-url"] ?? text.profile) !== undefined) {
      throw appErrors.usage("Give either --env or --base-url.");
    }
    const chosen = env === undefined ? flags : { ...flags, text: { ...text, profile: env } };
    const connection = await connectionOf(chosen, terminal.environment);
    await using client = new ServerClient(connection, terminal.signal);
    const unwatched = await unwatchedRepositories(client, domain, flags.list.repository ?? []);
    return await settle({ client, terminal, domain, flags }, unwatched);
  },
};

interface Repository {
  readonly name: string;
  readonly href: string;
  /** The name of its monitor belongs to one that watches something else. */
  readonly isTaken: boolean;
}

const monitorOf = (repository: string): string => `yank-monitor-${repository}`;

/** @throws `appErrors.usage` that names repositories that are not there */
async function unwatchedRepositories(
  client: ServerClient,
  domain: string,
  wanted: readonly string[],
): Promise<readonly Repository[]> {
  const [watched, taken] = [new Set<string>(), new Set<string>()];
  for await (const monitor of client.items(client.inDomain(domain, "pypi_yank_monitor/"))) {
    if (typeof monitor.repository === "string") watched.add(monitor.repository);
    if (monitor.pulp_domain === domain) taken.add(String(monitor.name));
  }
  const missing = new Set(wanted);
  const unwatched: Repository[] = [];
  const address = client.inDomain(domain, "repositories/python/python/");
  for await (const { name: found, pulp_href: href } of client.items(address)) {
    const name = String(found);
    const isWanted = wanted.length === 0 || missing.delete(name);
    if (!isWanted || watched.has(String(href))) continue;
    unwatched.push({ name, href: String(href), isTaken: taken.has(monitorOf(name)) });
  }
  if (missing.size === 0) return unwatched;
  throw appErrors.usage(`There is no Python repository ${[...missing].join(", ")} in ${domain}.`);
}

async function settle(
  work: {
    readonly client: ServerClient;
    readonly terminal: Terminal;
    readonly domain: string;
    readonly flags: Flags;
  },
  unwatched: readonly Repository[],
): Promise<number> {
  const { client, terminal, domain, flags } = work;
  if (unwatched.length === 0) {
    terminal.print(`Every repository of ${domain} that was asked about is watched.`);
    return 0;
  }
  for (const { name, href, isTaken } of unwatched) {
    if (flags.on.verify) terminal.print(`${domain}/${name} is not watched`);
    else if (isTaken) terminal.note(`${monitorOf(name)} in ${domain} watches something else`);
    else if (flags.on["dry-run"]) terminal.print(`would make ${monitorOf(name)} in ${domain}`);
    else {
      const json = { name: monitorOf(name), repository: href };
      const address = client.inDomain(domain, "pypi_yank_monitor/");
      await client.object(address, { method: "POST", json });
      terminal.print(`made ${monitorOf(name)} in ${domain}`);
    }
  }
  return flags.on.verify || unwatched.some(({ isTaken }) => isTaken) ? 1 : 0;
}
