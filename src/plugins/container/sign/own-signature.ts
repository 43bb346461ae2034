import { type Ctx, type DomainRef, type SigningService, signing, sql } from "#sdk";
import { readSimpleSignature } from "../format/simple-signing.ts";
import { criticalText, payloadOf, type Statement } from "./payload.ts";
import type { Signed } from "./sign-manifest.ts";

/** Signs with the key that the service keeps here. */
export async function signHere(
  ctx: Ctx,
  service: SigningService,
  statement: Statement,
): Promise<Signed> {
  const payload = payloadOf(statement, Math.floor(ctx.clock.now() / 1000));
  const bytes = await signing.message(ctx, service, payload);
  return { bytes, signature: readSimpleSignature(bytes) };
}

/**
 * Signatures that the key of a service has made over the same images under the same names: a second
 * one would differ in its time alone.
 *
 * @returns `container_signature.id` by position; what is not there has not been signed.
 */
export async function madeBefore(
  { db }: Pick<Ctx, "db">,
  domain: DomainRef,
  of: {
    readonly service: Pick<SigningService, "fingerprint">;
    /** With the `content.id` of each manifest. */
    readonly statements: readonly (Statement & { readonly id: string })[];
  },
): Promise<ReadonlyMap<number, string>> {
  const { service, statements } = of;
  const { rows } = await sql<{ at: number; id: string }>`
    select w.at::int as at, s.id
    from unnest(${statements.map(({ id }) => id)}::uuid[],
      ${statements.map((each) => Buffer.from(criticalText(each)))}::bytea[])
      with ordinality as w (manifest, critical, at)
    cross join lateral (
      select s.id from container_signature s
      where s.domain = ${domain.num} and s.manifest = w.manifest
        and s.fingerprint = ${service.fingerprint} and position(w.critical in s.body) > 0
      order by s.id limit 1) s`.execute(db);
  return new Map(rows.map(({ at, id }) => [at - 1, id]));
}
