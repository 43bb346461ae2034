import { fieldError } from "#base/errors.ts";
import {
  boolean,
  type distributionResource,
  type Field,
  FieldProblem,
  list,
  relation,
  sql,
} from "#sdk";
import { namePattern } from "../format/name-pattern.ts";
import { requirements } from "./requirements.ts";

/** Each member may cost a question to an upstream per page. */
const MOST_MEMBERS = 16;
const MOST_PATTERNS = 1000;

const distribution = { to: "distribution", types: ["python.python"] } as const;

/** Patterns of project names, normalised; what a request does not bring is empty. */
export const namePatterns: Field = list(
  { type: "string" },
  {
    absent: () => [],
    check: (values: readonly string[]) => {
      if (values.length > MOST_PATTERNS) {
        throw new FieldProblem(`Ensure this field has no more than ${MOST_PATTERNS} elements.`);
      }
      return values.map((value) => {
        const pattern = namePattern(value);
        if (pattern !== undefined) return pattern;
        throw new FieldProblem(`'${value}' is no name of a project and no pattern such as acme-*.`);
      });
    },
  },
);

/** Keys of an index beyond those of the peer; all of them are columns of `python_distribution`. */
export const indexFields: Readonly<Record<string, Field>> = {
  allow_uploads: boolean({ default: true }),
  members: relation("members", distribution, { most: MOST_MEMBERS, column: "d.members" }),
  upload_member: relation("upload_member", distribution, {
    nullable: true,
    column: "d.upload_member",
    absent: () => null,
  }),
  merge_upstream: boolean({ absent: () => false }),
  private_names: namePatterns,
  allowed_packages: requirements("allowed_packages"),
  denied_packages: requirements("denied_packages"),
};

type Check = NonNullable<Parameters<typeof distributionResource>[0]["check"]>;

/** What only an index that stands by itself has. */
const OWN = ["repository", "repository_version", "publication", "remote"] as const;

/**
 * A group has members in place of content of its own, and groups are no members: so there are no
 * circles, and what a page costs is bounded.
 */
export const checkGroup: Check = async ({ ctx, caller }, values, self) => {
  const members = (values.members ?? []) as readonly string[];
  const { upload_member: target = null } = values;
  if (target !== null && !members.includes(String(target))) {
    throw fieldError("upload_member", "It has to be one of the members.");
  }
  if (members.length === 0) return;
  const own = OWN.find((name) => values[name] != null);
  if (own !== undefined) {
    throw fieldError("members", `An index with members has no '${own}' of its own.`);
  }
  if (self !== undefined && members.includes(self)) {
    throw fieldError("members", "An index cannot be a member of itself.");
  }
  const { rows } = await sql<{ name: string; is_group: boolean }>`
    select x.name, x.id = any(${members}::uuid[]) as is_group
    from python_distribution d join distribution x on x.id = d.id
    where d.domain = ${caller.domain.num} and (
      (d.id = any(${members}::uuid[]) and d.members <> '[]')
      or d.members @> ${JSON.stringify(self === undefined ? [null] : [self])}::jsonb)
    limit 1`.execute(ctx.db);
  const [row] = rows;
  if (!row) return;
  throw fieldError(
    "members",
    row.is_group
      ? `'${row.name}' has members itself.`
      : `This index is a member of '${row.name}', so it cannot have members.`,
  );
};
