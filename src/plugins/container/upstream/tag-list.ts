import { JsonList } from "#base/json-list.ts";
import { type Asker, askRegistry, statusError } from "./ask.ts";
import { upstreamErrors } from "./errors.ts";
import { nextPage } from "./link.ts";
import { type UpstreamPlace, upstreamUrl } from "./names.ts";
import { shown } from "./whole-body.ts";

/** Bytes of one page: a million tags. */
const MOST_PAGE_BYTES = 64 * 1024 * 1024;
const MOST_TAGS = 1_000_000;
/** Characters of the text that stands for one tag. */
const MOST_CHARACTERS = 4096;

const TAG = /^\w[\w.-]{0,127}$/;

/**
 * All tags of an upstream repository, each once. What is no tag is left out. The page is parsed as it
 * comes, so only the tags take memory.
 *
 * @throws why the list cannot be had; without it a sync cannot begin.
 */
export async function allTags(
  remote: Asker,
  place: UpstreamPlace,
  signal: AbortSignal,
): Promise<string[]> {
  const tags = new Set<string>();
  const asked = new Set<string>();
  let url: string | undefined = upstreamUrl(place, "tags", "list");
  while (url !== undefined && !asked.has(url)) {
    asked.add(url);
    const page: TagPage = await tagPage(remote, url, signal);
    for (const tag of page.tags) tags.add(tag);
    if (tags.size > MOST_TAGS)
      throw upstreamErrors.answer(shown(url), `it lists more than ${MOST_TAGS} tags`);
    url = page.next;
  }
  return [...tags];
}

/** Whether the upstream has such a repository. */
export const hasTags = (
  { remote, place }: { readonly remote: Asker; readonly place: UpstreamPlace },
  signal: AbortSignal,
): Promise<boolean> => {
  const url = `${upstreamUrl(place, "tags", "list")}?n=1`;
  return askRegistry(remote, { url, signal }, async (answer) => {
    if (answer.status === 404) return false;
    if (answer.status !== 200) throw statusError(answer);
    return true;
  });
};

interface TagPage {
  readonly tags: readonly string[];
  readonly next: string | undefined;
}

/** One page, tried again from its beginning. */
const tagPage = (remote: Asker, url: string, signal: AbortSignal): Promise<TagPage> =>
  askRegistry(remote, { url, headers: { accept: "application/json" }, signal }, async (answer) => {
    if (answer.status !== 200) throw statusError(answer);
    const tags: string[] = [];
    const list = new JsonList({
      list: "tags",
      keep: [],
      malformed: (problem) => upstreamErrors.answer(shown(url), problem),
      onItem: (item) => {
        if (typeof item === "string" && TAG.test(item)) tags.push(item);
      },
      mostCharacters: MOST_CHARACTERS,
    });
    const decoder = new TextDecoder();
    let bytes = 0;
    for await (const chunk of answer.body) {
      bytes += chunk.length;
      if (bytes > MOST_PAGE_BYTES) throw upstreamErrors.tooLarge(shown(url), MOST_PAGE_BYTES);
      list.push(decoder.decode(chunk, { stream: true }));
      if (tags.length > MOST_TAGS)
        throw upstreamErrors.answer(shown(url), `it lists more than ${MOST_TAGS} tags`);
    }
    list.end();
    return { tags, next: nextPage(answer.headers.link, answer.url) };
  });
