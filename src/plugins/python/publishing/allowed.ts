import type { Call } from "#sdk";
import { matchesSome } from "../format/name-pattern.ts";

interface Row {
  readonly repository: string | null;
  readonly projects: readonly string[] | null;
}

const GRANTS = {
  name: "python-publisher-grants",
  text: `
select p.repository, p.projects from python_publisher_token t
left join python_trusted_publisher p on p.id = t.publisher
where t.token = $1`,
};

/** Says why a project, by its normalised name, may not be uploaded; undefined where it may be. */
export type ProjectCheck = (name: string) => string | undefined;

/**
 * What the token of a trusted publisher reaches; whoever comes otherwise is asked nothing.
 *
 * @param repository where the upload goes.
 */
export async function publisherCheck(
  { ctx, caller }: Call,
  repository: string,
): Promise<ProjectCheck> {
  const { tokenId } = caller.user ?? {};
  if (tokenId === undefined) return () => undefined;
  const rows = await ctx.hot.query<Row>(GRANTS, [tokenId]);
  if (rows.length === 0) return () => undefined;
  const own = rows.filter((row) => row.repository === repository);
  return (name) => {
    if (own.length === 0) return "The trusted publisher of this token is none of this index";
    const isTaken = own.some(
      ({ projects }) => (projects ?? []).length === 0 || matchesSome(projects ?? [], name),
    );
    return isTaken ? undefined : `The trusted publisher of this token may not upload ${name}`;
  };
}
