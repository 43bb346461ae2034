import type { JsonObject } from "#base/json.ts";
import type {
  BeginOptions,
  BundledFile,
  IncomingFolders,
  OpenStore,
  PlaceOptions,
  RedirectOptions,
  SessionFiles,
  Storage,
  WrittenFile,
} from "#platform/storage/storage.ts";
import type { Ctx, DomainRef } from "../ctx.ts";
import { domainErrors } from "./errors.ts";
import { DEFAULT_DOMAIN, openOptions } from "./rules.ts";

/** The settings of a store are believed this long; a change reaches every process within it. */
const BELIEVED_MS = 1000;
const MAX_KNOWN = 10_000;

export interface StoresParts extends Pick<Ctx, "hot" | "secrets" | "clock"> {
  /** Store of the domain `default`: that of the server's own settings. */
  readonly home: Storage;
  readonly open: OpenStore;
}

/** The stores of all domains in one process: `ctx.storage`. */
export function domainStores(parts: StoresParts): Ctx["storage"] {
  const known = new Map<number, Storage>();
  return (domain) => {
    if (domain.name === DEFAULT_DOMAIN) return parts.home;
    const store = known.get(domain.num);
    if (store) return store;
    if (known.size >= MAX_KNOWN) known.clear();
    const made = new DomainStore(parts, domain);
    known.set(domain.num, made);
    return made;
  };
}

interface StoreRow {
  readonly storage_class: string;
  readonly storage_settings: JsonObject;
  readonly storage_epoch: number;
}

interface Current {
  readonly epoch: number;
  readonly store: Storage;
}

const byNum = {
  name: "store of a domain",
  text: "select storage_class, storage_settings, storage_epoch from domain where num = $1",
};

/** A store that follows the settings of its domain. */
class DomainStore implements Storage {
  readonly incoming: IncomingFolders;
  readonly sessions: SessionFiles;
  readonly #parts: StoresParts;
  readonly #domain: DomainRef;
  #current: Current | undefined;
  #until = 0;
  #asking: Promise<Current> | undefined;

  constructor(parts: StoresParts, domain: DomainRef) {
    this.#parts = parts;
    this.#domain = domain;
    this.incoming = {
      list: async () => (await this.#store()).incoming.list(),
      lastWrite: async (id) => (await this.#store()).incoming.lastWrite(id),
      remove: async (id) => (await this.#store()).incoming.remove(id),
    };
    this.sessions = {
      open: async (id, sizeBytes) => (await this.#store()).sessions.open(id, sizeBytes),
      remove: async (id) => (await this.#store()).sessions.remove(id),
      list: async () => (await this.#store()).sessions.list(),
    };
  }

  async epoch(isFresh: boolean): Promise<number> {
    if (isFresh) this.#until = 0;
    return (await this.#now()).epoch;
  }

  async beginFile(options?: BeginOptions) {
    return (await this.#store()).beginFile(options);
  }

  async place(file: WrittenFile, object: string, options: PlaceOptions = {}): Promise<void> {
    const store = await this.#store();
    await store.place(file, object, { ...options, domain: this.#domain.name });
  }

  async open(object: string) {
    return (await this.#store()).open(object);
  }

  async stat(object: string) {
    return (await this.#store()).stat(object);
  }

  async remove(object: string): Promise<void> {
    await (await this.#store()).remove(object);
  }

  async usage() {
    return (await this.#store()).usage();
  }

  async redirect(object: string, options: RedirectOptions) {
    return (await this.#store()).redirect(object, options);
  }

  async bundle(name: string, files: AsyncIterable<BundledFile>): Promise<readonly string[]> {
    return (await (await this.#store()).bundle?.(name, files)) ?? [];
  }

  async #store(): Promise<Storage> {
    return (await this.#now()).store;
  }

  async #now(): Promise<Current> {
    if (this.#current && this.#parts.clock.now() < this.#until) return this.#current;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** While the database is away, the store that is known goes on. */
  async #ask(): Promise<Current> {
    const { hot, clock } = this.#parts;
    const known = this.#current;
    const asked = hot.query<StoreRow>(byNum, [this.#domain.num]);
    const rows = known ? await asked.catch(() => undefined) : await asked;
    this.#until = clock.now() + BELIEVED_MS;
    if (rows === undefined && known) return known;
    const [row] = rows ?? [];
    if (!row) throw domainErrors.gone(this.#domain.name);
    if (known?.epoch !== row.storage_epoch) this.#current = this.#opened(row);
    return this.#current as Current;
  }

  #opened({ storage_class: storageClass, storage_settings, storage_epoch }: StoreRow): Current {
    const options = openOptions(storage_settings, this.#parts.secrets);
    const store = this.#parts.open({ storageClass, options });
    if (!store) throw domainErrors.noBackend(this.#domain.name);
    return { epoch: storage_epoch, store };
  }
}
