import type { Static, TSchema } from "@sinclair/typebox";
import type { Json, JsonObject } from "#base/json.ts";
import type { Settings } from "#platform/config/settings.ts";
import type { Caller, Ctx, Executor, Trx } from "./ctx.ts";
import type { EventListener } from "./events/types.ts";
import type { PermissionClass } from "./policies/decider.ts";
import type { AccessRules } from "./policies/types.ts";
import type { RemoteSession } from "./remotes/types.ts";
import type { SigningService } from "./signing/queries.ts";

/** The families of master and detail resources (core-rest §1.3), by the core's table. */
export type Family =
  | "repository"
  | "remote"
  | "publication"
  | "distribution"
  | "content_guard"
  | "alternate_content_source"
  | "content";

/** A kind of object that has an href and a PRN. */
export interface EntityModel {
  readonly family: Family;
  /** `pulp_type`: `file.file`. */
  readonly type: string;
  /** `file.FileRepository`. */
  readonly model: string;
  /** Below the API root: `repositories/file/file`. */
  readonly path: string;
  /** Younger than the description that clients were generated from, which must not list it. */
  readonly isNewer?: true;
}

/**
 * A unit that is about to be saved: the row of its detail table without `id` and `domain`. Bytes are
 * Buffers; a `jsonb` column takes the value itself, not JSON text.
 */
export type DetailRow = Readonly<Record<string, unknown>>;

/** A kind of content: how it is told apart, and where its columns live. */
export interface ContentType extends EntityModel {
  readonly family: "content";
  /** Detail table, with `id` and `domain` first. */
  readonly table: string;
  /** Texts that identify a unit in its domain. Changing them is a migration. */
  naturalKey(row: DetailRow): readonly string[];
  /** Texts of which a version holds one unit at most; undefined means no such rule. */
  slot?(row: DetailRow): readonly string[];
  /**
   * The slot is exactly the relative path of the one file, so files are found by slot. The detail
   * table then has a column `relative_path` with an index over `(domain, relative_path)`.
   */
  readonly slotIsPath: boolean;
  /** Its files can be dropped and downloaded again (reclaim space). */
  readonly reclaimable: boolean;
  /** Its units are releases of packages that databases of advisories know. */
  readonly releases?: ReleaseColumns;
}

/** Where a detail table says which release of which package a unit is. */
export interface ReleaseColumns {
  /** As OSV calls it: `PyPI`; null where labels of the repository say it. */
  readonly ecosystem: string | null;
  /** Columns. */
  readonly name: string;
  readonly version: string;
}

/** A version under construction; `n` is its number. */
export interface Draft {
  readonly repository: RepositoryRef;
  readonly versionId: string;
  readonly n: number;
}

export interface RepositoryRef {
  readonly num: number;
  readonly id: string;
  readonly domain: number;
  readonly type: string;
  readonly name: string;
}

export interface VersionRef {
  readonly id: string;
  readonly number: number;
  readonly repository: RepositoryRef;
}

/** Units that are about to join the next version of a repository. */
export interface Admission {
  readonly repository: RepositoryRef;
  /** `content.id`s */
  readonly add: readonly string[];
  /** Members that go at the same time; `"*"` is every one of the latest version. */
  readonly remove: readonly string[] | "*";
  /** `repository_version.id` of the version to start from; without it the latest. */
  readonly baseVersion?: string;
}

/** A unit that a version does not take. */
export interface Refusal {
  /** `content.id` */
  readonly id: string;
  /** What users call it. */
  readonly name: string;
  readonly reason: string;
}

export interface RepositoryType extends EntityModel {
  readonly family: "repository";
  /** Names of the content types that it may hold. */
  readonly contentTypes: readonly string[];
  /** Publications decide what is served (true), or versions themselves (false). */
  readonly servesPublications: boolean;
  /**
   * Which units a version does not take, asked before they are added; they are left out and told in a
   * progress report. Throws to refuse the whole version.
   */
  admit?(db: Executor, admission: Admission): Promise<readonly Refusal[]>;
  /** Rules of the type over the draft, inside the transaction that completes it. */
  finalizeVersion?(trx: Trx, draft: Draft): Promise<void>;
  /** After a version became visible: autopublish. */
  onNewVersion?(job: Job, version: VersionRef): Promise<void>;
  /** Publishes a version; absent where versions are served themselves. */
  publish?(job: Job, version: VersionRef): Promise<void>;
}

/** What a push to a repository may do. */
export interface PushTerms {
  /** Why the one who asks may not push. */
  readonly refusal: string | null;
  /** Of one file; null has no limit but those of the server. */
  readonly maxBytes: number | null;
  /** Whether another unit of the same slot gives way; null leaves it to who pushes. */
  readonly mayOverwrite: boolean | null;
  /** Python packages come with attestations. */
  readonly needsAttestation: boolean;
}

/** What a plugin says about pushes to repositories, whatever their type. */
export interface PushGate {
  /** Undefined where it has nothing to say about the repository. */
  terms(
    ctx: Ctx,
    push: { readonly caller: Caller; readonly repository: string },
  ): Promise<PushTerms | undefined>;
  /** Whether what joins the repository is scanned, whatever labels say; undefined leaves it to them. */
  scanning(ctx: Ctx, repository: string): Promise<"on" | "off" | undefined>;
  /**
   * A push was made.
   *
   * @returns undefined where it has nothing to say; else whether the version shall be published.
   */
  pushed(ctx: Ctx, repository: string): Promise<{ readonly isPublished: boolean } | undefined>;
}

/** On whose behalf a version is made, and who hears of it; a job is one. */
export type VersionAuthor = Pick<Job, "ctx" | "caller" | "created">;

/** What a running task body has: the context, its caller, cancellation, and its reports. */
export interface Job {
  readonly ctx: Ctx;
  readonly taskId: string;
  readonly groupId?: string;
  readonly caller: Caller;
  /** Aborts when the task is cancelled or its worker shuts down. */
  readonly signal: AbortSignal;
  /** Reports progress; writes at most every 2 s, and at the end (core-tasks-ops §12). */
  progress(report: ProgressSpec): Progress;
  /** Adds to `created_resources`, inside the transaction where one is given. */
  created(resource: CreatedResource, trx?: Trx): Promise<void>;
  /** Private folder of the task; removed at its end. */
  readonly workingDirectory: string;
}

export interface ProgressSpec {
  readonly code: string;
  readonly message: string;
  readonly total?: number;
  readonly suffix?: string;
}

/** One progress report; disposing it completes it, or fails it when the scope was left by a throw. */
export interface Progress extends AsyncDisposable {
  add(done?: number): void;
  setTotal(total: number): void;
  /** Writes the final state `completed`. Disposing without it writes `failed`. */
  finish(): Promise<void>;
}

export interface CreatedResource {
  readonly model: string;
  readonly object: string;
  /** Href below the API root. */
  readonly path: string;
}

/** A task by its wire name; the name is a constant, so files may move. */
export interface TaskDefinition<Input extends TSchema = TSchema> {
  /** `pulp_file.app.tasks.synchronizing.synchronize` (core-rest §8.11). */
  readonly name: string;
  /** Component that provides it: `core`, `file`. */
  readonly label: string;
  readonly input: Input;
  /** May run inside the dispatching process, within 5 s. */
  readonly immediate?: boolean;
  run(job: Job, input: Static<Input>): Promise<Json>;
}

/** Keeps the input type of a task definition. */
export const defineTask = <Input extends TSchema>(
  task: TaskDefinition<Input>,
): TaskDefinition<Input> => task;

/** A kind of remote whose upstreams want more than HTTP, such as the tokens of a registry. */
export interface RemoteType {
  /** `container.container` */
  readonly type: string;
  /**
   * What is used instead of the plain session, wherever files of such a remote are fetched. That one
   * sends no credentials: they are sent by what is returned, to whom it wants.
   */
  session(
    ctx: Ctx,
    plain: RemoteSession,
    credentials: RemoteCredentials | undefined,
  ): RemoteSession;
}

/** User name and password of a remote in plain text. */
export interface RemoteCredentials {
  readonly username: string;
  readonly password: string;
}

/** A table with sealed columns, and a UUID `id`. */
export interface SealedTable {
  /** Name in the reports of `rotate-db-key`. */
  readonly model: string;
  readonly table: string;
  readonly columns: readonly string[];
  /** The columns are JSON, in which each leaf is a token. */
  readonly isJson?: boolean;
  /** Column that names the key which sealed the row. */
  readonly keyColumn?: string;
}

/** A kind of signing services. */
export interface SignerKind {
  /** `container.ManifestSigningService` */
  readonly model: string;
  /** Its services need no program: the server signs with a key that it keeps. */
  readonly mayKeepKeys?: true;
  /**
   * Has a program sign something of its kind.
   *
   * @param at a private folder.
   * @returns path of a file that gpg can verify.
   */
  signSample(
    service: Omit<SigningService, "id" | "private_key">,
    at: { readonly folder: string; readonly signal: AbortSignal },
  ): Promise<string>;
}

/** A task that is dispatched in the default domain at an interval. */
export interface PluginSchedule {
  readonly name: string;
  readonly taskName: string;
  readonly input: JsonObject;
  readonly minutes: number;
}

/** The same always, or as the settings say. */
export type PluginSchedules =
  | readonly PluginSchedule[]
  | ((settings: Settings) => readonly PluginSchedule[]);

/** The core's part of a plugin. */
export interface CorePlugin {
  readonly label: string;
  /** PEP 440 version that clients gate features on. */
  readonly version: string;
  /** Names that `status/` shows: `pulp-file`, `pulp_file.app`. */
  readonly package: string;
  readonly module: string;
  readonly migrations: URL;
  /** False: it keeps something without its domain, so a service with domains does not start. */
  readonly isDomainCompatible?: boolean;
  /** Every kind of object that has an href, content and repository types among them. */
  readonly entities: readonly EntityModel[];
  readonly contentTypes: readonly ContentType[];
  readonly repositoryTypes: readonly RepositoryType[];
  /** Those of its remotes that are spoken to in a way of their own. */
  readonly remoteTypes?: readonly RemoteType[];
  /** Who may do what at each address of its resources. */
  readonly access: AccessRules;
  /** Other ways to decide over requests than by policies. */
  readonly permissionClasses?: readonly PermissionClass[];
  // biome-ignore lint/suspicious/noExplicitAny: a list holds definitions of different inputs.
  readonly tasks: readonly TaskDefinition<any>[];
  /** Hears of what happens in a process, from its start or from the first event on. */
  readonly listen?: (ctx: Ctx) => EventListener;
  /** Whether the settings make it use `ctx.redis`; it goes on without where none is reached. */
  readonly usesRedis?: (settings: Ctx["settings"]) => boolean;
  /** What signing services can do for it. */
  readonly signers?: readonly SignerKind[];
  /**
   * Tasks that are dispatched again and again; workers keep them so. Schedules of its tasks that it
   * does not name any more go.
   */
  readonly schedules?: PluginSchedules;
  /** Asked by every path that takes pushes. */
  readonly pushGate?: PushGate;
  /** Where its own tables hold secrets; those of remotes are the core's. */
  readonly sealed?: readonly SealedTable[];
}

/** All plugins of this process, by what they bring. Lookups of unknown names throw. */
export interface PluginRegistry {
  readonly all: readonly CorePlugin[];
  entity(family: Family, type: string): EntityModel;
  entities(family: Family): readonly EntityModel[];
  repositoryType(type: string): RepositoryType;
  contentType(name: string): ContentType;
  /** `content_type.num` of a name, and back. */
  contentTypeNum(name: string): number;
  contentTypeName(num: number): string;
  task(name: string): TaskDefinition | undefined;
}
