import { CodedError } from "#base/errors.ts";
import { prn } from "#base/prn.ts";
import { type Ctx, type Plugin, redeemIdentity, sql, text } from "#sdk";
import { pythonRepository } from "../repository.ts";
import { anchorsOf } from "./claims.ts";
import { publishingErrors } from "./errors.ts";
import { publishingAudience, trustedIssuers } from "./settings.ts";

type Endpoint = NonNullable<Plugin["endpoints"]>[number];

/** What the token of a publisher may do, and nothing else: upload to an index. */
export const PUBLISH = "python.publish_pythonrepository";

/** Seconds; as long as the known index gives. */
const LIFETIME_S = 900;
/** Publishers that one identity may fit. */
const MOST = 100;
/** Longest token that anybody may send us, in characters. */
const MAX_LENGTH = 16_384;

interface Publisher {
  readonly id: string;
  readonly owner: number;
  readonly domain: string;
  readonly repository: string;
  readonly claims: Readonly<Record<string, string>>;
}

async function publishersOf(
  { db }: Ctx,
  issuer: string,
  claims: Readonly<Record<string, unknown>>,
): Promise<readonly Publisher[]> {
  const { rows } = await sql<Publisher>`
    select p.id, p.owner, d.name as domain, p.repository, p.claims
    from python_trusted_publisher p join domain d on d.num = p.domain
    join app_user u on u.id = p.owner and u.is_active
    where p.issuer = ${issuer} and p.anchor = any(${anchorsOf(claims)}::text[])
    order by p.created, p.id limit ${MOST}`.execute(db);
  return rows;
}

/**
 * An API token for the uploads that the identity of a job is trusted with. A token acts for one user:
 * of the publishers that fit, those of the user who made the first one.
 *
 * @throws `publishingErrors`, and what is wrong with the token.
 */
async function mint(ctx: Ctx, token: string): Promise<string> {
  const made = await redeemIdentity(ctx, {
    token,
    audiences(issuer) {
      if (!trustedIssuers(ctx).includes(issuer)) throw publishingErrors.noIssuer();
      return [publishingAudience(ctx)];
    },
    async grant({ issuer, claims, fits }) {
      const all = await publishersOf(ctx, issuer, claims);
      const fitting = all.filter((one) => fits(one.claims));
      const [first] = fitting;
      if (!first) throw publishingErrors.noPublisher();
      const publishers = fitting.filter(({ owner }) => owner === first.owner);
      const scope = {
        permissions: [PUBLISH],
        domains: [...new Set(publishers.map(({ domain }) => domain))],
        objects: publishers.map(({ repository }) => prn(pythonRepository.model, repository)),
      };
      return { owner: first.owner, scope, lifetimeS: LIFETIME_S, publishers };
    },
    async made(trx, { id, grant }) {
      await sql`
        insert into python_publisher_token (token, number, publisher)
        select ${id}, n, p from unnest(${grant.publishers.map((one) => one.id)}::uuid[])
          with ordinality as t (p, n)`.execute(trx);
    },
  });
  return made.token;
}

/** What clients and the actions of CI services ask, for whom a token has to be. */
const audience: Endpoint = {
  path: "/_/oidc/audience",
  method: "GET",
  label: "python",
  operationId: "python_oidc_audience",
  tag: "Pypi: Publishing",
  title: "Get the audience of tokens for publishing",
  isPublic: true,
  isDetached: true,
  answers: { 200: null },
  run: async ({ ctx }) => ({
    kind: "json",
    status: 200,
    body: { audience: publishingAudience(ctx) },
  }),
};

/** Codes that clients know; whatever else is wrong is the token's fault. */
const codeOf = (error: CodedError): string =>
  publishingErrors.noPublisher.is(error) ? "invalid-publisher" : "invalid-token";

/** A job shows who it is and gets a token for its uploads. */
const mintToken: Endpoint = {
  path: "/_/oidc/mint-token",
  method: "POST",
  label: "python",
  operationId: "python_oidc_mint_token",
  tag: "Pypi: Publishing",
  title: "Exchange the identity of a job for a token to publish with",
  isPublic: true,
  isDetached: true,
  body: {
    schema: "PythonPublishingIdentity",
    fields: { token: text({ required: true, writeOnly: true }, { maxLength: MAX_LENGTH }) },
    isLenient: true,
  },
  answers: { 200: null },
  async run({ ctx, reply }, { token }) {
    reply.header("cache-control", "no-store");
    try {
      return {
        kind: "json",
        status: 200,
        body: { success: true, token: await mint(ctx, String(token)) },
      };
    } catch (error) {
      if (!(error instanceof CodedError) || error.status >= 500) throw error;
      const errors = [{ code: codeOf(error), description: error.message }];
      return { kind: "json", status: 422, body: { message: "Token request failed", errors } };
    }
  },
};

export const publishingEndpoints: readonly Endpoint[] = [audience, mintToken];
