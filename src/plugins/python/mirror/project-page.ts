import type { ProjectPage } from "../format/index-file.ts";
import { readProjectPage, SIMPLE_ACCEPT } from "../format/simple-page.ts";
import { type Asker, askIndex, statusError } from "./ask.ts";
import { named } from "./named.ts";

/** With which an upstream can say that a page is still the same. */
export interface Validators {
  readonly etag: string | null;
  readonly lastModified: string | null;
}

export type PageAnswer =
  | { readonly kind: "same" }
  /** Upstream has no such project. */
  | { readonly kind: "gone" }
  | { readonly kind: "page"; readonly page: ProjectPage; readonly validators: Validators };

export interface PageQuestion {
  readonly url: string;
  /** Of what is known already; without them the page comes for sure. */
  readonly known?: Validators;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/**
 * The page of a project as upstream has it now.
 *
 * @throws why it cannot be had: a `PLPnnnn` error, `mirrorErrors.status` or `mirrorErrors.page`.
 */
export async function askForPage(
  remote: Asker,
  { url, known, maxBytes, signal }: PageQuestion,
): Promise<PageAnswer> {
  const headers = { accept: SIMPLE_ACCEPT, ...conditions(known) };
  return askIndex(remote, { url, headers, signal }, async (answer): Promise<PageAnswer> => {
    if (answer.status === 304 && known) return { kind: "same" };
    if (answer.status === 404 || answer.status === 410) return { kind: "gone" };
    if (answer.status !== 200) throw statusError(answer);
    const { etag = null, "last-modified": lastModified = null } = answer.headers;
    const contentType = answer.headers["content-type"];
    const source = { body: answer.body, contentType, url: answer.url, maxBytes };
    const page = await named(url, () => readProjectPage(source));
    return { kind: "page", page, validators: { etag, lastModified } };
  });
}

const conditions = (known: Validators | undefined): Record<string, string> => ({
  ...(known?.etag ? { "if-none-match": known.etag } : {}),
  ...(known?.lastModified && !known.etag ? { "if-modified-since": known.lastModified } : {}),
});
