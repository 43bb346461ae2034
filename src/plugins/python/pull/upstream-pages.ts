import { CodedError } from "#base/errors.ts";
import type { Ctx, DomainRef } from "#sdk";
import { openRemote } from "#sdk";
import type { IndexFile } from "../format/index-file.ts";
import { NO_FACTS, type ProjectFacts } from "../format/project-facts.ts";
import { indexRoot, pageUrl } from "../mirror/address.ts";
import { askForPage, type Validators } from "../mirror/project-page.ts";
import { mostPageBytes, pageFreshMs, pagesBytes } from "../mirror/settings.ts";

/** How long clients wait for an upstream before they get what is there. */
const PATIENCE_MS = 20_000;
/** Memory of one file of a page, roughly. */
const FILE_BYTES = 700;
const PAGE_BYTES = 500;

/** The page of a project as far as it is known. */
export interface UpstreamPage {
  readonly files: readonly IndexFile[];
  readonly facts: ProjectFacts;
  /** Upstream cannot be asked, and nobody knows what it has. */
  readonly isDown?: true;
}

interface KnownPage extends UpstreamPage {
  readonly validators: Validators;
  readonly askedMs: number;
  readonly bytes: number;
}

const NONE: UpstreamPage = { files: [], facts: NO_FACTS };
const DOWN: UpstreamPage = { ...NONE, isDown: true };

export interface PageKey {
  readonly domain: DomainRef;
  /** `remote.id` */
  readonly remote: string;
  /** Changes with the remote: another address or other credentials have pages of their own. */
  readonly changed: string;
  /** Normalised. */
  readonly name: string;
}

/** Pages of upstream indexes that the process knows, the ones not asked for longest go first. */
class UpstreamPages {
  readonly #ctx: Ctx;
  readonly #pages = new Map<string, KnownPage>();
  readonly #asking = new Map<string, Promise<UpstreamPage>>();
  #bytes = 0;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
  }

  async page(key: PageKey): Promise<UpstreamPage> {
    const text = [key.remote, key.changed, key.name].join("\n");
    const known = this.#pages.get(text);
    const age = this.#ctx.clock.now() - (known?.askedMs ?? 0);
    if (known && age < pageFreshMs(this.#ctx)) return known;
    const running = this.#asking.get(text);
    if (running) return running;
    const asking = this.#ask(key, text, known).finally(() => this.#asking.delete(text));
    this.#asking.set(text, asking);
    return asking;
  }

  /** What is known is used on when upstream fails; without it there is nothing of upstream. */
  async #ask(key: PageKey, text: string, known: KnownPage | undefined): Promise<UpstreamPage> {
    try {
      return await this.#fresh(key, text, known);
    } catch (error) {
      const isTimeOut = error instanceof DOMException && error.name === "TimeoutError";
      if (!(error instanceof CodedError) && !isTimeOut) throw error;
      const use = known ? "an older one is used" : "only what is here is listed";
      this.#ctx.log.warn(`The page of ${key.name} cannot be had, ${use}: ${error.message}`);
      return known ?? DOWN;
    }
  }

  async #fresh(
    { domain, remote: id, name }: PageKey,
    text: string,
    known: KnownPage | undefined,
  ): Promise<UpstreamPage> {
    await using remote = await openRemote(this.#ctx, domain, id);
    const asker = { get: remote.get, maxRetries: Math.min(1, remote.maxRetries) };
    const answer = await askForPage(asker, {
      url: pageUrl(indexRoot(remote.url), name),
      ...(known ? { known: known.validators } : {}),
      maxBytes: mostPageBytes(this.#ctx),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const askedMs = this.#ctx.clock.now();
    if (answer.kind === "same" && known) this.#keep(text, { ...known, askedMs });
    else if (answer.kind === "page") {
      const { files, facts } = answer.page;
      const addresses = [...facts.tracks, ...facts.alternateLocations].join("").length;
      const bytes = PAGE_BYTES + files.length * FILE_BYTES + 2 * addresses;
      this.#keep(text, { files, facts, validators: answer.validators, askedMs, bytes });
    } else {
      const validators = { etag: null, lastModified: null };
      this.#keep(text, { ...NONE, validators, askedMs, bytes: PAGE_BYTES });
    }
    return this.#pages.get(text) ?? (answer.kind === "page" ? answer.page : NONE);
  }

  #keep(text: string, page: KnownPage): void {
    this.#drop(text);
    this.#pages.set(text, page);
    this.#bytes += page.bytes;
    for (const oldest of this.#pages.keys()) {
      if (this.#bytes <= pagesBytes(this.#ctx)) break;
      this.#drop(oldest);
    }
  }

  #drop(text: string): void {
    this.#bytes -= this.#pages.get(text)?.bytes ?? 0;
    this.#pages.delete(text);
  }
}

const pages = new WeakMap<Ctx["hot"], UpstreamPages>();

/**
 * What upstream lists for a project: asked for once by all who want them at the same time,
 * and again only after `PYTHON_UPSTREAM_PAGE_SECONDS`. Empty where it has no such project.
 */
export function upstreamPage(ctx: Ctx, key: PageKey): Promise<UpstreamPage> {
  const known = pages.get(ctx.hot) ?? new UpstreamPages(ctx);
  pages.set(ctx.hot, known);
  return known.page(key);
}
