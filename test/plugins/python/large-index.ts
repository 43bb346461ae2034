/** A thread that serves an index of generated projects. */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

const {
  projects,
  files,
  counts,
  salt = "",
} = workerData as {
  readonly projects: number;
  readonly files: number;
  /** Whether the list says how often each project changed. */
  readonly counts: boolean;
  /** Makes the bytes of all files others. */
  readonly salt?: string;
};

let changes = 0;
const nameOf = (index: number) => `project-${index}`;
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function pageOf(index: number): string {
  const count = files + (index === 1 ? changes : 0);
  const entries = Array.from({ length: count }, (_, file) => {
    const kind = file % 2 === 0 ? "-py3-none-any.whl" : ".tar.gz";
    const filename = `project_${index}-1.${file >> 1}${file >= files ? `.${file}` : ""}${kind}`;
    return {
      filename,
      url: `/files/${filename}`,
      hashes: { sha256: sha256(salt + filename) },
      size: 1000,
    };
  });
  return JSON.stringify({ meta: { "api-version": "1.1" }, name: nameOf(index), files: entries });
}

function listOf(): string {
  const list = Array.from({ length: projects }, (_, index) => ({
    name: nameOf(index),
    ...(counts ? { "_last-serial": index + (index === 1 ? projects * changes : 0) } : {}),
  }));
  return JSON.stringify({ meta: {}, projects: list });
}

function bodyOf(path: string): string | undefined {
  if (path === "/simple/") return listOf();
  const page = /^\/simple\/project-(\d+)\/$/.exec(path);
  if (page) return pageOf(Number(page[1]));
  const info = /^\/pypi\/project-(\d+)\/json$/.exec(path);
  if (!info) return undefined;
  const description = "Words about it. ".repeat(200);
  const newest = `1.${(files >> 1) - 1}`;
  return JSON.stringify({ info: { name: nameOf(Number(info[1])), version: newest, description } });
}

const server = createServer((request, response) => {
  const path = request.url ?? "";
  if (path === "/change") changes += 1;
  const body = bodyOf(path);
  const etag = body === undefined ? "" : `"${sha256(body)}"`;
  if (body === undefined) response.writeHead(404).end();
  else if (request.headers["if-none-match"] === etag) response.writeHead(304, { etag }).end();
  else
    response
      .writeHead(200, { etag, "content-type": "application/vnd.pypi.simple.v1+json" })
      .end(body);
});
server.listen(0, "127.0.0.1", () => {
  parentPort?.postMessage(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
