import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Digests } from "#base/digests.ts";
import type { Soon } from "#base/soon.ts";
import type { Ctx, DomainRef } from "#core/ctx.ts";

/** The domain of a request, with what delivery has to know about it. */
export interface ServedDomain extends DomainRef {
  readonly redirectsToStore: boolean;
  readonly hidesGuarded: boolean;
}

export interface GuardRef {
  readonly id: string;
  readonly type: string;
}

export interface ServedDistribution {
  readonly id: string;
  /** `file.file` */
  readonly type: string;
  readonly name: string;
  readonly basePath: string;
  readonly isCheckpoint: boolean;
  /** Ids of what it points at; at most one of these three. */
  readonly repository: string | null;
  readonly version: string | null;
  readonly publication: string | null;
  readonly remote: PullRemote | null;
  readonly guard: GuardRef | null;
}

/** A version by the numbers that membership uses. */
export interface ServedVersion {
  readonly id: string;
  /** `repository.num` */
  readonly repository: number;
  /** `file.file` */
  readonly repositoryType: string;
  readonly number: number;
}

export interface ServedPublication {
  readonly id: string;
  /** `rows`, `pass_through` or `<plugin>:<rule>` */
  readonly layout: string;
  readonly created: string;
}

/** Which distribution a path belongs to, and what that distribution serves at this moment. */
export interface Match {
  readonly domain: ServedDomain;
  readonly distribution: ServedDistribution;
  readonly publication: ServedPublication | null;
  /** The served version; with a publication, the version it was made of. */
  readonly version: ServedVersion | null;
  /** A superseded publication is still within its grace period. */
  readonly hasGrace: boolean;
  /** Lowest transaction that the reading snapshot may not have seen. */
  readonly xmin: string;
  /** Differs after every event of the distribution; null where nothing is shared with others. */
  readonly epoch: string | null;
}

/** One GET or HEAD for something below a distribution. */
export interface ContentRequest {
  readonly match: Match;
  /** Below the base path: no slash at either end, "" for the base path itself. */
  readonly path: string;
  /** The request path ends in a slash. */
  readonly isDirectory: boolean;
  readonly method: "GET" | "HEAD";
  readonly wantsJson: boolean;
  /** The path as it was sent, still percent-encoded, without the query. */
  readonly rawPath: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly correlationId: string;
}

/** Header names and values, in the order of sending. */
export type HeaderList = Readonly<Record<string, string>>;

/** A file that is in the store. */
export interface Stored {
  readonly kind: "stored";
  readonly artifact: StoredArtifact;
  /** Whose store has it; that of the distribution without it. */
  readonly domain?: ServedDomain;
  /** Unit file that led here; null for generated files of a publication. */
  readonly contentArtifact: string | null;
  /** Decides the content type. */
  readonly path: string;
  /** When the unit came into the served version; null never answers 304 by date. */
  readonly at: string | null;
  readonly headers?: HeaderList;
}

export interface StoredArtifact {
  readonly id: string;
  readonly sha256: Buffer;
  readonly sizeBytes: number;
  /** Object name; null is the canonical one. */
  readonly file: string | null;
}

/** A file that some remote has. */
export interface FromUpstream {
  readonly kind: "upstream";
  /** Unit file that the bytes belong to; null for a path that only the upstream knows. */
  readonly contentArtifact: string | null;
  readonly sources: readonly UpstreamSource[];
  readonly path: string;
  readonly at: string | null;
  readonly headers?: HeaderList;
  /** Pull-through: what to do with the bytes, and how to report failure. */
  readonly pull?: Pull;
}

export interface UpstreamSource {
  /** Unit file whose record of the remote this is; null for a path that only the upstream knows. */
  readonly contentArtifact: string | null;
  /** `remote.id` */
  readonly remote: string;
  readonly url: string;
  /** False under the policy `streamed`: the bytes are only passed on. */
  readonly isSaved: boolean;
  readonly sizeBytes: number | null;
  readonly digests: Digests;
}

export interface Pull {
  /** Keeps the unit; absent for metadata, which is passed on and forgotten. */
  readonly save?: (artifact: { readonly id: string; readonly sha256: string }) => Promise<void>;
}

/** A page about a directory. */
export interface Listing {
  readonly kind: "listing";
  readonly contentType: string;
  /** Rendered text: from memory, or from a temporary file that is removed after sending. */
  readonly body: Buffer | SpooledBody;
}

/** A long rendered page outside memory; disposing it removes it. */
export interface SpooledBody extends AsyncDisposable {
  readonly sizeBytes: number;
  read(start: number, length: number): Promise<Buffer>;
}

export interface Redirect {
  readonly kind: "redirect";
  readonly status: 301 | 302 | 307 | 308;
  /** Already percent-encoded. */
  readonly location: string;
}

/** A finished answer of a plugin. */
export interface Reply {
  readonly kind: "reply";
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer | string;
  /** True if every request of this path and Accept class gets the same until something changes. */
  readonly isCacheable?: boolean;
}

export interface Missing {
  readonly kind: "missing";
  /** 404 unless said otherwise. */
  readonly status?: number;
  readonly reason?: string;
}

/** What a path turned out to be; only `send` touches the socket. */
export type Resolution = Stored | FromUpstream | Listing | Redirect | Reply | Missing;

/** What a plugin may say about a path: the file of a unit by its row, or any resolution. */
export type HandlerAnswer =
  | { readonly kind: "content_artifact"; readonly id: string; readonly headers?: HeaderList }
  | Resolution;

/** Delivery of one type of distribution (core-content §§4.3, 5.4). All hooks are optional. */
export interface ContentHandler {
  /** Type of the distributions it is for, and of their repositories: `file.file`. */
  readonly type: string;
  /** Listings of the content app do not name its distributions: who may know of them, it decides. */
  readonly isUnlisted?: boolean;
  /**
   * A path of the content app beside its prefix, with a slash at both ends, below which requests are
   * answered as if they lay below the prefix: `/pulp/container/`.
   */
  readonly alias?: string;
  /** Answers a path before publications and versions are asked; undefined goes on. */
  resolve?(ctx: Ctx, request: ContentRequest): Promise<HandlerAnswer | undefined>;
  /** The same, only for clients that prefer JSON. */
  resolveJson?(ctx: Ctx, request: ContentRequest): Promise<HandlerAnswer | undefined>;
  /** Headers of a file; they win over ours. */
  headers?(path: string): HeaderList;
  /** Further names of a directory (`""` or `a/b/`), directories with a slash at the end. */
  listDirectory?(ctx: Ctx, request: ContentRequest, directory: string): Promise<readonly string[]>;
  /** `<plugin>:<rule>` → the path of the unit file that a published path stands for. */
  readonly layouts?: Readonly<Record<string, (path: string) => string | undefined>>;
  readonly pullThrough?: PullThrough;
  readonly downloads?: DownloadCounter;
}

/** Learns how often files of its distributions were sent whole. */
export interface DownloadCounter {
  /** Whether a path below a distribution is counted. */
  counts(path: string): boolean;
  /** Called every few seconds, each file at most once; what throws is tried again. */
  record(ctx: Ctx, files: readonly (CountedFile & { readonly count: number })[]): Promise<void>;
}

export interface CountedFile {
  readonly domain: DomainRef;
  /** `distribution.id` */
  readonly distribution: string;
  /** Of the distribution: `file.file`. */
  readonly type: string;
  readonly basePath: string;
  /** Below the base path. */
  readonly path: string;
  /** `content_artifact.id` of a unit's file; null for what is generated, and for what is passed on. */
  readonly contentArtifact: string | null;
  /** Of the whole file; null where the upstream did not say. */
  readonly sizeBytes: number | null;
}

/** A file that was sent to somebody from its first byte on, or an address of it at the store. */
export interface SentFile {
  /** The same value each time that an answer from memory is sent. */
  readonly file: CountedFile;
  readonly request: IncomingMessage;
  /** Bytes of the answer, or of the file at the store. */
  readonly bytes: number;
  /** The finished answer was at hand. */
  readonly isFromMemory: boolean;
  /** Who asks, where the protocol knows; else only the request tells. */
  readonly user?: string;
}

/** Serving what the repository does not hold, from the remote of the distribution (§5.8). */
export interface PullThrough {
  /** Address of a path at the remote; null has none. Default: joined to the URL of the remote. */
  url?(remote: PullRemote, request: ContentRequest): string | null;
  /** `relative_path` of the unit file that the path would become; undefined for metadata. */
  unitPath(path: string): string | undefined;
  /** Saves the unit of a downloaded file and adds it to the repository of the distribution. */
  save(ctx: Ctx, pulled: PulledFile): Promise<void>;
  /** A unit that is already known was asked for: adds it to the repository if it lacks it. */
  adopt?(ctx: Ctx, request: ContentRequest, contentArtifact: string): Promise<void>;
}

export interface PullRemote {
  readonly id: string;
  readonly url: string;
  readonly policy: "immediate" | "on_demand" | "streamed";
}

export interface PulledFile {
  readonly request: ContentRequest;
  readonly remote: PullRemote;
  readonly url: string;
  /** `relative_path` as `unitPath` gave it. */
  readonly unitPath: string;
  readonly artifact: { readonly id: string; readonly sha256: string };
}

/** Further endpoints of the content server. */
export interface ContentRoute {
  /** `/v2/` takes everything below, `/token` exactly itself. */
  readonly path: string;
  handle(ctx: Ctx, request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** Decides who may fetch from the distributions of one guard type (§6). */
export interface GuardHandler {
  /** `core.rbac` */
  readonly type: string;
  /**
   * Reads what the guard asks for at every request, so that a change holds for the next one, or keeps
   * it with the reference: after a change the content app asks with another one.
   *
   * @returns the reason of a refusal, or undefined to permit.
   */
  refusal(ctx: Ctx, guard: GuardRef, request: GuardRequest): Soon<string | undefined>;
}

/** Decides before the content guards, whatever their type: about some requests and not about others. */
export interface GuardPrelude {
  /** @returns undefined where the guard has to be asked. */
  decide(ctx: Ctx, guard: GuardRef, request: GuardRequest): Soon<"permit" | "refuse" | undefined>;
}

export interface GuardRequest {
  readonly domain: DomainRef;
  readonly method: string;
  /**
   * Decoded and below the content prefix: as the router reads it. Begins with the name of the domain
   * where domains are on, and has no slash at either end.
   */
  readonly path: string;
  /** What of it lies below the base path of the distribution. */
  readonly below: string;
  /** As it was sent, with the query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as they were sent: tells a header that came twice. */
  readonly rawHeaders: readonly string[];
  /** Of the client, or of the last proxy before us. */
  readonly address: string;
  /**
   * Asks another guard about the same request; each is asked once, and one that is being asked
   * refuses.
   *
   * @returns the reason of a refusal, or undefined to permit.
   */
  ask(guard: GuardRef): Soon<string | undefined>;
}
