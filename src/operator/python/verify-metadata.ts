import { createHash } from "node:crypto";
import {
  connectionHelp,
  connectionOf,
  connectionOptions,
  connectionUsage,
} from "../client/connection.ts";
import { ServerClient } from "../client/server-client.ts";
import type { Terminal, Tool } from "../tool.ts";
import { askPatiently, watchedDomains } from "./domains.ts";
import { type SimpleLink, simpleLinks } from "./simple-links.ts";

export const verifyPythonMetadata: Tool = {
  name: "verify-python-metadata",
  usage: `[--domain NAME]… [--thorough] ${connectionUsage}`,
  summary: "Checks that indexes offer the metadata of wheels, and that they can be downloaded.",
  help: [
    "",
    "Of each project of each Python distribution, every wheel must have data-core-metadata; the metadata",
    "of the first one are downloaded and must have the checksum that is announced. Domains with the",
    "label contentsources=true are left out. Ends with 1 if something is wrong.",
    "  --domain NAME       only this domain, or these",
    "  --thorough          downloads the metadata of all wheels",
    ...connectionHelp,
  ],
  options: {
    ...connectionOptions,
    ...{ domain: { type: "string", multiple: true }, thorough: { type: "boolean" } },
  },
  async run(flags, terminal) {
    const connection = await connectionOf(flags, terminal.environment);
    await using client = new ServerClient(connection, terminal.signal);
    const work = { client, terminal, isThorough: flags.on.thorough === true };
    const tally = { wheels: 0, downloads: 0, problems: 0 };
    for await (const domain of watchedDomains(client, flags.list.domain ?? [])) {
      const address = client.inDomain(domain, "distributions/python/pypi/");
      for await (const { name, base_url: base } of client.items(address)) {
        await verifyIndex(work, { title: `${domain}/${name}`, base: String(base) }, tally);
      }
    }
    const { wheels, downloads, problems } = tally;
    terminal.print(`${wheels} wheels, ${downloads} downloads, ${problems} problems`);
    return problems === 0 ? 0 : 1;
  },
};

interface Work {
  readonly client: ServerClient;
  readonly terminal: Terminal;
  readonly isThorough: boolean;
}

interface Tally {
  wheels: number;
  downloads: number;
  problems: number;
}

interface Index {
  readonly title: string;
  /** Address of the index; the server may have another host there than the one that was asked. */
  readonly base: string;
}

async function verifyIndex(work: Work, { title, base }: Index, tally: Tally): Promise<void> {
  const root = `${new URL(base, work.client.connection.origin).pathname.replace(/\/+$/, "")}/simple/`;
  for (const { href, text } of await pageOf(work, { title, path: root, tally })) {
    const page = new URL(href, new URL(root, work.client.connection.origin));
    await verifyProject(work, { title: `${title}/${text}`, page }, tally);
  }
}

async function verifyProject(
  work: Work,
  { title, page }: { readonly title: string; readonly page: URL },
  tally: Tally,
): Promise<void> {
  const links = await pageOf(work, { title, path: page.pathname, tally });
  const wheels = links.filter(({ text }) => text.endsWith(".whl"));
  tally.wheels += wheels.length;
  for (const [index, wheel] of wheels.entries()) {
    const problem =
      wheel.coreMetadata === undefined
        ? "there is no data-core-metadata"
        : work.isThorough || index === 0
          ? await downloadProblem(work, { wheel, page, tally })
          : undefined;
    if (problem === undefined) continue;
    tally.problems += 1;
    work.terminal.note(`${title}/${wheel.text}: ${problem}`);
  }
}

/** Links of a page; one that is not there is a problem of its own and has none. */
async function pageOf(
  { client, terminal }: Work,
  { title, path, tally }: { readonly title: string; readonly path: string; readonly tally: Tally },
): Promise<readonly SimpleLink[]> {
  try {
    const { text } = await askPatiently(client, path, { headers: { accept: "text/html" } });
    return simpleLinks(text);
  } catch (error) {
    client.signal.throwIfAborted();
    tally.problems += 1;
    terminal.note(`${title}: ${(error as Error).message}`);
    return [];
  }
}

/** What is wrong with the metadata beside a wheel; undefined if nothing is. */
async function downloadProblem(
  { client }: Work,
  of: { readonly wheel: SimpleLink; readonly page: URL; readonly tally: Tally },
): Promise<string | undefined> {
  const url = new URL(of.wheel.href, of.page);
  url.hash = "";
  url.pathname += ".metadata";
  of.tally.downloads += 1;
  try {
    const { status, bytes } = await client.download(url);
    if (status !== 200) return `its metadata answer ${status}`;
    const [, announced] = /^sha256=([\da-f]{64})$/.exec(of.wheel.coreMetadata ?? "") ?? [];
    const found = createHash("sha256").update(bytes).digest("hex");
    if (announced !== undefined && announced !== found) return "its metadata have another checksum";
    return /^Metadata-Version: \d/m.test(bytes.toString("utf8"))
      ? undefined
      : "its metadata are none";
  } catch (error) {
    client.signal.throwIfAborted();
    return (error as Error).message;
  }
}
