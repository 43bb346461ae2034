import type { Kysely, Transaction } from "kysely";
import type { Settings } from "#platform/config/settings.ts";
import type { Secrets } from "#platform/crypto/secrets.ts";
import type { Hot, Notifier } from "#platform/db/hot.ts";
import type { Http } from "#platform/http/http.ts";
import type { Jq } from "#platform/jq/jq.ts";
import type { Log } from "#platform/log/log.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import type { Redis } from "#platform/redis/redis.ts";
import type { Scanner } from "#platform/scan/scanner.ts";
import type { OpenStore, Storage } from "#platform/storage/storage.ts";
import type { TokenScope } from "./access/token-scope.ts";
import type { PluginRegistry } from "./plugin-contract.ts";
import type { CoreTables } from "./tables.ts";
import type { ProcessKind } from "./tasks/table.ts";

export type Db = Kysely<CoreTables>;
export type Trx = Transaction<CoreTables>;
/** A query runs alone or inside a transaction. */
export type Executor = Db | Trx;

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
}

/** What every command receives: the process's connections and knowledge. Never a request. */
export interface Ctx {
  readonly db: Db;
  readonly hot: Hot;
  readonly notifier: Notifier;
  readonly settings: Settings;
  /** The object store of a domain. */
  readonly storage: (domain: DomainRef) => Storage;
  /** Any store by its settings: that a domain may get. */
  readonly openStore: OpenStore;
  readonly http: Http;
  readonly secrets: Secrets;
  readonly jq: Jq;
  /** Absent where none is configured; nothing may depend on it. */
  readonly redis?: Redis;
  /** Looks for malware; absent where there is none. */
  readonly scanner?: Scanner;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly plugins: PluginRegistry;
  readonly process: ProcessIdentity;
}

/** The record of this process among the online applications; a worker slot has one of its own. */
export interface ProcessIdentity {
  readonly id: string;
  readonly kind: ProcessKind;
  readonly name: string;
  /** Component label → version, e.g. `{core: "3.95.0", file: "3.95.0"}`. */
  readonly versions: Readonly<Record<string, string>>;
}

export interface DomainRef {
  readonly num: number;
  readonly id: string;
  readonly name: string;
}

export interface User {
  readonly id: number;
  readonly username: string;
  readonly isSuperuser: boolean;
  readonly isActive: boolean;
  readonly isStaff?: boolean;
  /** What the token that was shown instead of a password reaches; absent without one. */
  readonly scope?: TokenScope;
  /** `api_token.id` of that token. */
  readonly tokenId?: string;
  /** Name of the administrator who acts as this user; absent where it is the user. */
  readonly actor?: string;
}

/** On whose behalf, and where: made by a request, restored by a task. */
export interface Caller {
  readonly domain: DomainRef;
  readonly user: User | null;
  readonly correlationId: string;
  /**
   * What a gateway says about the one who asks, by names of the plugin that reads it; the core only
   * carries it along a request.
   */
  readonly claims?: Readonly<Record<string, string>>;
  /** Path and query of the request, if it is one. */
  readonly route?: string;
  /** Names from `X-Task-Diagnostics`. */
  readonly profileOptions?: readonly string[];
  /** The task that dispatches, if it is one. */
  readonly parentTask?: string;
}
