import { sql } from "kysely";
import { key128, naturalKey, sha256 } from "#base/digests.ts";
import { uuid7 } from "#base/uuid7.ts";
import { saveArtifacts } from "#core/artifacts/commands.ts";
import type { Ctx, DomainRef, Executor } from "#core/ctx.ts";
import { FILE_SYSTEM } from "#core/domains/types.ts";
import { OPEN } from "#core/repositories/table.ts";

export interface UnitSpec {
  readonly path: string;
  /** Stored bytes; without them the file is not downloaded. */
  readonly bytes?: string | Buffer;
  readonly sources?: readonly SourceSpec[];
  readonly at?: string;
}

export interface SourceSpec {
  readonly remote: string;
  readonly url: string;
  readonly size?: number | null;
  readonly sha256?: Buffer | null;
}

export type Type = "doc.doc" | "pkg.pkg";

export interface SiteRepository {
  readonly id: string;
  readonly num: number;
  readonly type: Type;
  readonly domain: DomainRef;
}

/** Puts rows where commands would put them, so that a test states exactly what is served. */
export class SiteRows {
  readonly #ctx: Ctx;
  readonly #home: DomainRef;
  #serial = 0;

  constructor(ctx: Ctx, home: DomainRef) {
    this.#ctx = ctx;
    this.#home = home;
  }

  #name(kind: string): string {
    this.#serial += 1;
    return `${kind}-${this.#serial}`;
  }

  async artifact(bytes: string | Buffer, domain = this.#home): Promise<string> {
    await using file = await this.#ctx.storage(domain).beginFile();
    file.sink.write(Buffer.from(bytes));
    const [saved] = await saveArtifacts(this.#ctx, domain, [{ file, sealed: await file.seal() }]);
    if (!saved) throw new Error("nothing saved");
    return saved.id;
  }

  async unit(type: Type, spec: UnitSpec, domain = this.#home) {
    const [content, contentArtifact] = [uuid7(), uuid7()];
    const key = key128(spec.path);
    const stored = spec.bytes === undefined ? null : await this.artifact(spec.bytes, domain);
    await this.#ctx.db
      .insertInto("content")
      .values({
        ...{ id: content, domain: domain.num, type: this.#ctx.plugins.contentTypeNum(type) },
        natural_key: naturalKey([content]),
        slot: type === "doc.doc" ? key : null,
      })
      .execute();
    await this.#ctx.db
      .insertInto("content_artifact")
      .values({
        ...{ id: contentArtifact, domain: domain.num, content, artifact: stored },
        ...{ relative_path: spec.path, path_key: key },
      })
      .execute();
    for (const source of spec.sources ?? []) await this.remoteArtifact(contentArtifact, source);
    return { content, contentArtifact, artifact: stored };
  }

  async remoteArtifact(contentArtifact: string, source: SourceSpec): Promise<void> {
    const { remote, url, size = null, sha256: digest = null } = source;
    await this.#ctx.db
      .insertInto("remote_artifact")
      .values({
        ...{ id: uuid7(), domain: this.#home.num, remote, content_artifact: contentArtifact, url },
        ...{ size, sha256: digest },
      })
      .execute();
  }

  async repository(type: Type = "doc.doc", domain = this.#home) {
    const id = uuid7();
    const row = await this.#ctx.db
      .insertInto("repository")
      .values({ id, domain: domain.num, type, name: this.#name("repository") })
      .returning("num")
      .executeTakeFirstOrThrow();
    return { id, num: row.num, type, domain };
  }

  /** A complete version with exactly these units, added by it. */
  async version(
    repo: SiteRepository,
    number: number,
    units: readonly UnitSpec[],
    until: number = OPEN,
  ) {
    const id = uuid7();
    await this.#ctx.db
      .insertInto("repository_version")
      .values({ id, domain: repo.domain.num, repository: repo.num, number, complete: true })
      .execute();
    const made = [];
    for (const spec of units) {
      const one = await this.unit(repo.type, spec, repo.domain);
      made.push(one);
      await this.#ctx.db
        .insertInto("membership")
        .values({
          ...{ repository: repo.num, added: number, removed: until, domain: repo.domain.num },
          type: this.#ctx.plugins.contentTypeNum(repo.type),
          slot: repo.type === "doc.doc" ? key128(spec.path) : null,
          content: one.content,
          ...(spec.at === undefined ? {} : { at: spec.at }),
        })
        .execute();
    }
    return { id, number, units: made };
  }

  async publication(
    of: string,
    spec: {
      readonly layout?: string;
      readonly paths?: Readonly<Record<string, { artifact: string } | { contentArtifact: string }>>;
      readonly checkpoint?: boolean;
      readonly created?: string;
    } = {},
    domain = this.#home,
  ): Promise<string> {
    const id = uuid7();
    const { layout = "pass_through", paths = {}, checkpoint = false, created } = spec;
    await this.#ctx.db
      .insertInto("publication")
      .values({
        ...{ id, domain: domain.num, type: "doc.doc", version: of, layout, checkpoint },
        complete: true,
        ...(created === undefined ? {} : { created }),
      })
      .execute();
    for (const [path, target] of Object.entries(paths)) {
      const isUnit = "contentArtifact" in target;
      await this.#ctx.db
        .insertInto("publication_path")
        .values({
          ...{ publication: id, domain: domain.num, relative_path: path },
          artifact: isUnit ? null : target.artifact,
          content_artifact: isUnit ? target.contentArtifact : null,
        })
        .execute();
    }
    return id;
  }

  async distribution(
    basePath: string,
    spec: {
      readonly type?: string;
      readonly repository?: string;
      readonly version?: string;
      readonly publication?: string;
      readonly remote?: string;
      readonly guard?: string;
      readonly hidden?: boolean;
      readonly checkpoint?: boolean;
      readonly legacy_overlap?: boolean;
    } = {},
    domain = this.#home,
  ): Promise<string> {
    const id = uuid7();
    const { type = "doc.doc", ...rest } = spec;
    await this.#ctx.db
      .insertInto("distribution")
      .values({ id, domain: domain.num, type, name: this.#name("d"), base_path: basePath, ...rest })
      .execute();
    return id;
  }

  async remote(url: string, policy: "on_demand" | "streamed" = "on_demand", values = {}) {
    const id = uuid7();
    await this.#ctx.db
      .insertInto("remote")
      .values({
        ...{ id, domain: this.#home.num, type: "doc.doc", name: this.#name("remote"), url, policy },
        ...{ max_retries: 0, ...values },
      })
      .execute();
    return id;
  }

  async guard(type: string): Promise<string> {
    const id = uuid7();
    await this.#ctx.db
      .insertInto("content_guard")
      .values({ id, domain: this.#home.num, type, name: this.#name("guard") })
      .execute();
    return id;
  }

  async domain(domainName: string) {
    const values = { id: uuid7(), name: domainName, storage_class: FILE_SYSTEM };
    return this.#ctx.db
      .insertInto("domain")
      .values(values)
      .returning(["num", "id", "name"])
      .executeTakeFirstOrThrow();
  }

  /** What a command does in the transaction that changes what a distribution serves. */
  async changed(distributionId: string, executor: Executor = this.#ctx.db): Promise<void> {
    await executor
      .insertInto("distribution_event")
      .values({ domain: this.#home.num, distribution: distributionId })
      .execute();
  }

  /** A distribution of a pass-through publication of one version with these units. */
  async published(basePath: string, units: readonly UnitSpec[]) {
    const repo = await this.repository();
    const made = await this.version(repo, 1, units);
    const publicationId = await this.publication(made.id);
    const id = await this.distribution(basePath, { repository: repo.id });
    return { id, repo, version: made, publication: publicationId, units: made.units };
  }

  /** Members that share one artifact, all added by version 1. */
  async manyUnits(
    repo: SiteRepository,
    count: number,
    pattern = "dir%1$s/file%2$s",
  ): Promise<void> {
    const artifact = await this.artifact("many");
    const type = this.#ctx.plugins.contentTypeNum(repo.type);
    const bySlot = repo.type === "doc.doc";
    await sql`
      with unit as materialized (
        select gen_random_uuid() as content, gen_random_uuid() as id,
          format(${pattern}, n % 100, lpad(n::text, 7, '0')) as path from generate_series(1, ${count}::int) n
      ), keyed as materialized (
        select *, encode(substr(sha256(path::bytea), 1, 16), 'hex')::uuid as key from unit
      ), a as (
        insert into content (id, domain, type, natural_key, slot)
        select content, ${repo.domain.num}, ${type}, sha256(content::text::bytea),
          case when ${bySlot} then key end from keyed
      ), b as (
        insert into content_artifact (id, domain, content, artifact, relative_path, path_key)
        select id, ${repo.domain.num}, content, ${artifact}, path, key from keyed
      )
      insert into membership (repository, added, domain, type, slot, content)
      select ${repo.num}, 1, ${repo.domain.num}, ${type}, case when ${bySlot} then key end, content
      from keyed`.execute(this.#ctx.db);
  }
}

export const digestOf = (bytes: string | Buffer): Buffer => sha256(Buffer.from(bytes));
