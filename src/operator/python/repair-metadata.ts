import {
  connectionHelp,
  connectionOf,
  connectionOptions,
  connectionUsage,
} from "../client/connection.ts";
import { ServerClient } from "../client/server-client.ts";
import type { Terminal, Tool } from "../tool.ts";
import { askPatiently, watchedDomains } from "./domains.ts";

/** Large repositories read every wheel again. */
const TASK_MS = 6 * 3_600_000;

export const repairPythonMetadata: Tool = {
  name: "repair-python-metadata",
  usage: `[--domain NAME]… [--dry-run] ${connectionUsage}`,
  summary:
    "Repairs the metadata of all Python repositories, in domains that are no sources of content.",
  help: [
    "",
    "Domains with the label contentsources=true are left out. One repository after another; what fails",
    "is told, and the end is 1. An answer of 500 or more is tried three times more.",
    "  --domain NAME       only this domain, or these",
    "  --dry-run           only lists the repositories",
    ...connectionHelp,
  ],
  options: {
    ...connectionOptions,
    ...{ domain: { type: "string", multiple: true }, "dry-run": { type: "boolean" } },
  },
  async run(flags, terminal) {
    const connection = await connectionOf(flags, terminal.environment);
    await using client = new ServerClient(connection, terminal.signal);
    let [repaired, failed] = [0, 0];
    for await (const domain of watchedDomains(client, flags.list.domain ?? [])) {
      const address = client.inDomain(domain, "repositories/python/python/");
      for await (const { name, pulp_href: href } of client.items(address)) {
        const title = `${domain}/${name}`;
        if (flags.on["dry-run"]) terminal.print(`would repair ${title}`);
        else if (await repair({ client, terminal, title }, String(href))) repaired += 1;
        else failed += 1;
      }
    }
    if (!flags.on["dry-run"]) terminal.print(`${repaired} repositories repaired, ${failed} failed`);
    return failed === 0 ? 0 : 1;
  },
};

/** Whether it went well. */
async function repair(
  {
    client,
    terminal,
    title,
  }: { readonly client: ServerClient; readonly terminal: Terminal; readonly title: string },
  href: string,
): Promise<boolean> {
  try {
    const { text } = await askPatiently(client, `${href}repair_metadata/`, { method: "POST" });
    await client.done(JSON.parse(text), TASK_MS);
    terminal.note(`${title}: repaired.`);
    return true;
  } catch (error) {
    client.signal.throwIfAborted();
    terminal.note(`${title}: ${(error as Error).message}`);
    return false;
  }
}
