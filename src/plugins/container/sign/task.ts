import { join } from "node:path";
import { Type } from "@sinclair/typebox";
import { mapBounded } from "#base/parallel.ts";
import { createVersion, defineTask, type Job, type SigningService, signing, sql } from "#sdk";
import { containerErrors } from "../errors.ts";
import { saveSignatures } from "../save.ts";
import { madeBefore, signHere } from "./own-signature.ts";
import type { Statement } from "./payload.ts";
import { mostSigners } from "./settings.ts";
import { signManifest } from "./sign-manifest.ts";

/** Tags that hold what others signed. */
const COMPANIONS = /\.(?:sig|att|sbom)$/;

/** Manifests whose signatures are saved together. */
const BATCH = 200;

const id = Type.String();

/** Signs every tagged manifest, and each child of an index under the tag of the index. */
export const signImages = defineTask({
  name: "pulp_container.app.tasks.sign.sign",
  label: "container",
  input: Type.Object({
    repository: id,
    service: id,
    /** Host and name of the repository as clients write it. */
    reference: Type.String(),
    tags: Type.Union([Type.Array(Type.String()), Type.Null()]),
  }),
  async run(job, { repository, service: serviceId, reference, tags }) {
    const service = await signing.service(job.ctx.db, serviceId);
    if (!service) throw containerErrors.noService();
    const wanted = await manifestsToSign(job, repository, tags);
    const units: string[] = [];
    await using report = job.progress({
      code: "sign.manifests",
      message: "Signing Manifests",
      total: wanted.length,
    });
    for (let start = 0; start < wanted.length; start += BATCH) {
      const batch = wanted.slice(start, start + BATCH);
      units.push(...(await signBatch(job, service, { batch, reference })));
      report.add(batch.length);
    }
    await createVersion(job, repository, { add: units, remove: [] });
    await report.finish();
    return null;
  },
});

interface Wanted {
  /** `content.id` of the manifest. */
  readonly id: string;
  readonly tag: string;
}

/** Manifests of the latest version with the tag under which they are signed. */
async function manifestsToSign(
  { ctx, caller }: Job,
  repository: string,
  tags: readonly string[] | null,
): Promise<readonly Wanted[]> {
  const named = tags === null ? sql`true` : sql`t.name = any(${tags}::text[])`;
  const { rows } = await sql<Wanted>`
    with recursive member as materialized (
      select m.content as id from repository r
      join membership m on m.repository = r.num and m.removed = 2147483647
      where r.domain = ${caller.domain.num} and r.id = ${repository}),
    signed (id, tag) as (
      select t.manifest, t.name from container_tag t join member on member.id = t.id
      where t.domain = ${caller.domain.num} and t.name !~ ${COMPANIONS.source} and ${named}
      union
      select c.id, s.tag from signed s
      join container_reference r
        on r.domain = ${caller.domain.num} and r.manifest = s.id and r.kind = 'child'
      join container_manifest c on c.domain = r.domain and c.digest = r.digest
      join member on member.id = c.id)
    select id, tag from signed order by tag, id`.execute(ctx.db);
  return rows;
}

interface Work extends Wanted, Statement {
  readonly body: Buffer;
}

/** @returns `content.id`s of the signatures. */
async function signBatch(
  job: Job,
  service: SigningService,
  { batch, reference }: { readonly batch: readonly Wanted[]; readonly reference: string },
): Promise<string[]> {
  const { ctx, caller } = job;
  const { rows } = await sql<{ id: string; digest: string; body: Buffer }>`
    select id, digest, body from container_manifest
    where domain = ${caller.domain.num} and id = any(${batch.map((one) => one.id)}::uuid[])`.execute(
    ctx.db,
  );
  const manifests = new Map(rows.map((row) => [row.id, row]));
  const works: Work[] = batch.flatMap((one) => {
    const manifest = manifests.get(one.id);
    return manifest ? [{ ...one, ...manifest, reference: `${reference}:${one.tag}` }] : [];
  });
  const before =
    service.private_key === null
      ? new Map<number, string>()
      : await madeBefore(ctx, caller.domain, { service, statements: works });
  const left = works.filter((_, index) => !before.has(index));
  const signatures = await mapBounded(left, mostSigners(ctx), (work) =>
    signOne(job, service, work),
  );
  const saved = await saveSignatures(ctx, caller.domain, { signatures });
  return [...before.values(), ...saved.map((unit) => unit.id)];
}

type NewSignature = Parameters<typeof saveSignatures>[2]["signatures"][number];

async function signOne(job: Job, service: SigningService, work: Work): Promise<NewSignature> {
  const { ctx, signal } = job;
  signal.throwIfAborted();
  const folder = join(job.workingDirectory, `${work.id}-${work.tag}`);
  const { bytes, signature } =
    service.private_key === null
      ? await signManifest(service, { ...work, folder, signal })
      : await signHere(ctx, service, work);
  const { digest, keyId, fingerprint, timestamp, creator } = signature;
  const [, hex = ""] = digest.split(":");
  const name = `${work.digest}@${hex.slice(0, 32)}`;
  const about = { name, digest, keyId, fingerprint, timestamp, creator };
  return { ...about, manifest: work.id, body: bytes };
}
