import type { Call } from "#sdk";
import { parseFilename } from "../format/filename.ts";
import { normalizeName } from "../format/names.ts";
import { type FeedEntry, newestProjects, newestReleases, projectReleases } from "./feed-members.ts";
import { indexPage, membersAt, requireContent, urlsOf, viewOf } from "./index-pages.ts";
import { xmlText } from "./markup.ts";
import type { Members } from "./members.ts";
import type { IndexPlace } from "./place.ts";
import { ruleBook } from "./rules.ts";
import { changedMs, sendPage } from "./send-page.ts";
import { sendMissing } from "./simple.ts";

/** What one feed says, and of what. */
interface Feed {
  readonly key: readonly string[];
  readonly title: string;
  /** Below the index. */
  readonly link: string;
  readonly description: string;
  entries(call: Call, members: Members): Promise<readonly FeedEntry[]>;
  /** What entries are about: of several members it is told once. */
  subject(entry: FeedEntry): string;
  item(entry: FeedEntry, index: string): Item;
}

interface Item {
  readonly title: string;
  readonly link: string;
}

/** Entries of the feeds (plugin-python §6.9). */
const MOST_RELEASES = 500;
const MOST_OTHERS = 40;

const releaseItem = (entry: FeedEntry, index: string): Item => ({
  title: `${entry.name} ${entry.version}`,
  link: `${index}pypi/${encodeURIComponent(entry.name_normalized)}/${encodeURIComponent(entry.version)}/json`,
});

const updates: Feed = {
  key: ["updates"],
  title: "Recent updates",
  link: "simple/",
  description: "Recent updates to the index",
  entries: ({ ctx }, members) => newestReleases(ctx, members, MOST_RELEASES),
  subject: ({ name_normalized: name, version }) => `${name} ${version}`,
  item: releaseItem,
};

const packages: Feed = {
  key: ["packages"],
  title: "Newest packages",
  link: "simple/",
  description: "Newest packages of the index",
  entries: ({ ctx }, members) => newestProjects(ctx, members, MOST_OTHERS),
  subject: (entry) => entry.name_normalized,
  item: (entry, index) => ({
    title: `${entry.name} added to index`,
    link: `${index}pypi/${encodeURIComponent(entry.name_normalized)}/json`,
  }),
};

const releasesOf = (spelling: string): Feed => {
  const name = normalizeName(spelling);
  return {
    key: ["releases", name],
    title: `Release history of ${name}`,
    link: `simple/${encodeURIComponent(name)}/`,
    description: `Recent releases of ${name}`,
    entries: ({ ctx }, members) => projectReleases(ctx, members, MOST_OTHERS, name),
    subject: ({ name_normalized: name, version }) => `${name} ${version}`,
    item: releaseItem,
  };
};

/** `rss/updates.xml` */
export const sendUpdates = (call: Call, place: IndexPlace) => sendFeed(call, place, updates);
/** `rss/packages.xml` */
export const sendPackages = (call: Call, place: IndexPlace) => sendFeed(call, place, packages);

/** `rss/project/<name>/releases.xml` */
export const sendReleases = (call: Call, place: IndexPlace, name: string) =>
  sendFeed(call, place, releasesOf(name), `${name} does not exist.`);

/** @param missing text where there is no entry; without it the feed is empty. */
async function sendFeed(call: Call, place: IndexPlace, feed: Feed, missing?: string) {
  const view = viewOf(call, place);
  requireContent(place);
  const { page, isHit } = await indexPage(view, ["rss", ...feed.key], async () => {
    const entries = await entriesOf(call, place, feed);
    const isMissing = entries.length === 0 && missing !== undefined;
    return isMissing ? undefined : feedXml(feed, entries, urlsOf(view).index);
  });
  if (!page) return sendMissing(call, missing ?? "");
  const dated = place.version ? { lastModifiedMs: changedMs(place.version) } : {};
  const type = "application/rss+xml; charset=utf-8";
  sendPage(call, place, { page, isHit, ...dated, type });
  return undefined;
}

/** What is new on the shelves that the caller sees, and not withheld; upstreams tell no news. */
async function entriesOf(call: Call, place: IndexPlace, feed: Feed): Promise<readonly FeedEntry[]> {
  const shelves = (place.parts ?? [place]).filter(({ version }) => version !== null);
  const whole = shownBy(call, place);
  const all = await Promise.all(
    shelves.map(async (shelf) => {
      const entries = await feed.entries(call, membersAt(shelf));
      return entries.filter(shownBy(call, shelf)).filter(whole);
    }),
  );
  const [only = [], ...more] = all;
  return more.length === 0 ? only : joined(all.flat(), feed).slice(0, MOST_RELEASES);
}

function shownBy({ ctx }: Call, { object, updated, rules }: IndexPlace) {
  const book = ruleBook(ctx, { id: object.id, updated, rules });
  return ({ name_normalized: name, version }: FeedEntry): boolean =>
    book.refusal(name, version) === undefined;
}

/** Each subject once, at the time when the first member got it; the newest first. */
function joined(entries: readonly FeedEntry[], feed: Feed): readonly FeedEntry[] {
  const oldestFirst = entries.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const first = new Map<string, FeedEntry>();
  for (const entry of oldestFirst) {
    if (!first.has(feed.subject(entry))) first.set(feed.subject(entry), entry);
  }
  return [...first.values()].reverse();
}

/** @see RSS 2.0 */
function feedXml(feed: Feed, entries: readonly FeedEntry[], index: string): string {
  const items = entries.map((entry) => itemXml(feed.item(entry, index), entry)).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0">
<channel>
<title>${xmlText(feed.title)}</title>
<link>${xmlText(index + feed.link)}</link>
<description>${xmlText(feed.description)}</description>
<language>en</language>
${items}</channel>
</rss>
`;
}

function itemXml({ title, link }: Item, entry: FeedEntry): string {
  const author = addressesIn(entry.author_email).join(", ");
  return `<item>
<title>${xmlText(title)}</title>
<link>${xmlText(link)}</link>
<guid isPermaLink="false">${xmlText(link + buildsOf(entry))}</guid>
<description>${xmlText(entry.summary)}</description>
${author === "" ? "" : `<author>${xmlText(author)}</author>\n`}<pubDate>${new Date(entry.at).toUTCString()}</pubDate>
</item>
`;
}

/** A rebuild is news; the same build for one more platform is none. */
function buildsOf({ filenames }: FeedEntry): string {
  const builds = new Set(filenames.flatMap((filename) => parseFilename(filename)?.build ?? []));
  return builds.size === 0 ? "" : `#builds=${[...builds].sort().join(",")}`;
}

/** More than this of a field is no list of addresses. */
const MOST_EMAIL_TEXT = 2000;

/** `Ann <a@b.example>, c@d.example` → both addresses. */
const addressesIn = (text: string): readonly string[] =>
  text
    .slice(0, MOST_EMAIL_TEXT)
    .split(",")
    .map((part) => /<([^<>]+)>\s*$/.exec(part)?.[1] ?? part)
    .map((part) => part.trim())
    .filter((part) => /^[^\s@<>]{1,64}@[^\s@<>]{1,255}$/.test(part));
