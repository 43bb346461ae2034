import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, normalize, sep } from "node:path";
import { Readable } from "node:stream";
import { httpErrors } from "./errors.ts";
import type { HttpClient, HttpRequest, HttpResponse } from "./http.ts";

/** The path with every link resolved; the part that does not exist stays as it is. */
export async function realPath(path: string): Promise<string> {
  const plain = normalize(path);
  const found = await realpath(plain).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" && plain !== dirname(plain)) return undefined;
    throw error;
  });
  return found ?? join(await realPath(dirname(plain)), basename(plain));
}

export const realPaths = (paths: readonly string[]): Promise<string[]> =>
  Promise.all(paths.map(realPath));

/** By whole components: `/data` holds `/data/x`, not `/database`. */
export const isBelow = (path: string, folders: readonly string[]): boolean =>
  folders.some((folder) => path === folder || path.startsWith(folder.replace(/\/*$/, sep)));

/** Reads files of this machine below the allowed folders, as if an upstream had them. */
export class FileClient implements HttpClient {
  readonly #folders: readonly string[];

  constructor(folders: readonly string[]) {
    this.#folders = folders;
  }

  /** @param url `file://` and the path as it is, without percent-encoding. */
  async get(url: string, request: HttpRequest = {}): Promise<HttpResponse> {
    request.signal?.throwIfAborted();
    const path = /^file:\/\//i.test(url) ? url.slice(7) : "";
    if (!isAbsolute(path)) throw httpErrors.scheme(url);
    const real = await realPath(path);
    if (!isBelow(real, await realPaths(this.#folders))) throw httpErrors.notAllowed(path);
    return this.#read(real, url, request.signal);
  }

  /** The resolved path is opened, so a link that changes afterwards leads nowhere. */
  async #read(path: string, url: string, signal?: AbortSignal): Promise<HttpResponse> {
    const head = { url, headers: {} };
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw httpErrors.connection(url, error.code ?? error.message);
    });
    if (file === undefined)
      return { ...head, status: 404, reason: "Not Found", body: Readable.from([]) };
    const stat = await file.stat();
    if (!stat.isFile()) {
      await file.close();
      throw httpErrors.connection(url, "it is not a file");
    }
    const headers = { "content-length": String(stat.size) };
    const body = file.createReadStream({
      highWaterMark: 1024 * 1024,
      ...(signal ? { signal } : {}),
    });
    return { ...head, headers, status: 200, reason: "OK", body };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
