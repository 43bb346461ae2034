import { fieldError, objectError } from "#base/errors.ts";
import { uuid7 } from "#base/uuid7.ts";
import {
  type Caller,
  defineResource,
  type Executor,
  type Field,
  FieldProblem,
  sql,
  text,
  textFilters,
} from "#sdk";
import { anchorAmong, IDENTITY_NAMES } from "../publishing/claims.ts";
import { trustedIssuers } from "../publishing/settings.ts";
import { namePatterns } from "./distribution-fields.ts";
import { pythonRepositoryResource } from "./repositories.ts";

const MOST_CLAIMS = 50;
const MOST_TEXT = 1000;

const claims: Field = {
  required: true,
  schema: { type: "object", additionalProperties: { type: "string" } },
  check: (value: Readonly<Record<string, string>>) => {
    const pairs = Object.entries(value);
    if (pairs.length > MOST_CLAIMS || pairs.flat().some((one) => one.length > MOST_TEXT)) {
      throw new FieldProblem(`These are more than ${MOST_CLAIMS} claims, or one is too long.`);
    }
    if (anchorAmong(value) === undefined) {
      const names = IDENTITY_NAMES.join(", ");
      throw new FieldProblem(`Say whose jobs are meant, without '*', by one of: ${names}.`);
    }
    return value;
  },
};

interface Publisher {
  readonly repository: string;
  readonly issuer: string;
  readonly claims: Readonly<Record<string, string>>;
  readonly projects: readonly string[];
}

/** @throws `ValidationError` if the repository trusts these claims already. */
async function addPublisher(db: Executor, caller: Caller, publisher: Publisher): Promise<string> {
  const { user, domain } = caller;
  if (user === null) throw objectError("A trusted publisher acts for who made it.");
  const id = uuid7();
  const anchor = anchorAmong(publisher.claims) ?? "";
  const { rows } = await sql`
    insert into python_trusted_publisher
      (id, domain, repository, owner, issuer, anchor, claims, projects)
    values (${id}, ${domain.num}, ${publisher.repository}, ${user.id}, ${publisher.issuer},
      ${anchor}, ${JSON.stringify(publisher.claims)}, ${JSON.stringify(publisher.projects)})
    on conflict on constraint python_trusted_publisher_once do nothing
    returning id`.execute(db);
  if (rows.length === 0) throw fieldError("claims", "The repository trusts these already.");
  return id;
}

/** Jobs of a CI that upload to the indexes of a repository without a secret, in its maker's name. */
export const pythonTrustedPublisherResource = defineResource({
  path: "trusted_publishers",
  parent: pythonRepositoryResource,
  parameters: { parent: "repository_pk", key: "pulp_id" },
  label: "python",
  model: "PythonTrustedPublisher",
  title: "python trusted publisher",
  key: "uuid",
  source: { from: "python_trusted_publisher e", parent: "e.repository" },
  addressColumns: { $repository: "e.repository" },
  address: ({ $repository, $key }, { root, domain, domainEnabled }) =>
    `${root}${domainEnabled ? `${domain}/` : ""}api/v3/${pythonRepositoryResource.path}/` +
    `${$repository}/trusted_publishers/${$key}/`,
  fields: {
    issuer: text({
      required: true,
      check: (value: string, { ctx }) => {
        if (trustedIssuers(ctx).includes(value)) return value;
        throw new FieldProblem(`'${value}' is not among PYTHON_TRUSTED_ISSUERS.`);
      },
    }),
    claims,
    projects: namePatterns,
    user: text({
      readOnly: true,
      sql: "(select u.username from app_user u where u.id = e.owner)",
    }),
  },
  filters: textFilters("issuer", "e.issuer"),
  orderings: { pulp_created: "e.created", issuer: "e.issuer" },
  operations: {
    list: true,
    read: true,
    create: {
      mode: "sync",
      async run({ ctx, caller }, { issuer, claims: given, projects }, parent) {
        const publisher = {
          repository: String(parent.$key),
          issuer: String(issuer),
          claims: given as Publisher["claims"],
          projects: (projects ?? []) as readonly string[],
        };
        const id = await addPublisher(ctx.db, caller, publisher);
        return { kind: "object", id, status: 201 };
      },
    },
    delete: {
      mode: "sync",
      async apply({ ctx, caller }, row) {
        await sql`delete from python_trusted_publisher
          where domain = ${caller.domain.num} and id = ${row.$key}`.execute(ctx.db);
      },
    },
  },
});
