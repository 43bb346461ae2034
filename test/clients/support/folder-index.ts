import { readdir, readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { sha256 } from "#base/digests.ts";
import { parseFilename } from "#plugins/python/format/filename.ts";
import { normalizeName } from "#plugins/python/format/names.ts";

/** An index of other software: JSON pages, and the files of a folder. */
export interface FolderIndex extends AsyncDisposable {
  readonly url: string;
  /** Paths that were asked for. */
  readonly asked: string[];
}

export async function startFolderIndex(folder: string): Promise<FolderIndex> {
  const files = await readdir(folder);
  const projects = Map.groupBy(files, projectOf);
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const [, project] = /^\/simple\/([^/]+)\/$/.exec(path) ?? [];
    const [, file] = /^\/files\/([^/]+)$/.exec(path) ?? [];
    const own = projects.get(project ?? "");
    if (path === "/simple/") sendJson(response, listOf([...projects.keys()]));
    else if (own) sendJson(response, await pageOf(folder, own));
    else if (file !== undefined && files.includes(decodeURIComponent(file)))
      response.end(await readFile(join(folder, decodeURIComponent(file))));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    asked,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Normalised name of the project of a file. */
export const projectOf = (filename: string): string =>
  normalizeName(parseFilename(filename)?.name ?? filename);

function sendJson(response: ServerResponse, body: object): void {
  response.setHeader("content-type", "application/vnd.pypi.simple.v1+json");
  response.end(JSON.stringify(body));
}

const listOf = (names: readonly string[]) => ({ projects: names.map((name) => ({ name })) });

async function pageOf(folder: string, files: readonly string[]) {
  const entries = files.map(async (filename) => ({
    filename,
    url: `../../files/${encodeURIComponent(filename)}`,
    hashes: { sha256: sha256(await readFile(join(folder, filename))).toString("hex") },
  }));
  return { name: projectOf(files[0] ?? ""), files: await Promise.all(entries) };
}
