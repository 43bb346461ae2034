import { ValidationError } from "#base/errors.ts";
import { type DomainRef, type Executor, type RepositoryType, sql } from "#sdk";
import { pythonErrors } from "./errors.ts";

type Admission = Parameters<NonNullable<RepositoryType["admit"]>>[1];

/** A package that a repository does not take. */
interface Rejected {
  readonly id: string;
  readonly filename: string;
  readonly isBlocked: boolean;
  /** Whether the repository fails for one such package. */
  readonly isError: boolean;
}

const REASONS = {
  blocked: "it is on the blocklist",
  substitution: "another file of its name is in the repository",
} as const;

/**
 * Which packages a version does not take (plugin-python §7.1, §7.2): those that the blocklist names,
 * and those that would replace a file where that is forbidden. What is attested about them stays
 * out with them.
 *
 * @throws `pythonErrors.blocked`, `substitution` unless the repository leaves them out (§7.3).
 */
export const admitPackages: NonNullable<RepositoryType["admit"]> = async (db, admission) => {
  const rejected = await rejectedPackages(db, admission);
  refuse(rejected, { blocked: pythonErrors.blocked, substitution: pythonErrors.substitution });
  if (rejected.length === 0) return [];
  const attested = await attestedAbout(db, admission, rejected);
  return [
    ...rejected.map(({ id, filename, isBlocked }) => ({
      id,
      name: filename,
      reason: isBlocked ? REASONS.blocked : REASONS.substitution,
    })),
    ...attested,
  ];
};

/**
 * The same before a `modify` is accepted. Where units also go, only the task can tell which files
 * are replaced.
 *
 * @throws `ValidationError`
 */
export async function checkModify(db: Executor, admission: Admission): Promise<void> {
  const { remove, baseVersion } = admission;
  const isPure = remove.length === 0 && baseVersion === undefined;
  const rejected = await rejectedPackages(db, admission);
  const list = (text: string) => new ValidationError([text]);
  refuse(
    rejected.filter(({ isBlocked }) => isBlocked || isPure),
    {
      blocked: (names) => list(pythonErrors.blocked.spec.message(names)),
      substitution: (names) => list(pythonErrors.existing.spec.message(names)),
    },
  );
}

type Complaint = (names: readonly string[]) => Error;

function refuse(
  rejected: readonly Rejected[],
  errors: { readonly blocked: Complaint; readonly substitution: Complaint },
): void {
  const fatal = rejected.filter(({ isError }) => isError);
  const blocked = fatal.filter(({ isBlocked }) => isBlocked);
  const names = (list: readonly Rejected[]) => list.map(({ filename }) => filename).sort();
  if (blocked.length > 0) throw errors.blocked(names(blocked));
  if (fatal.length > 0) throw errors.substitution(names(fatal));
}

/**
 * One statement; packages that are members already are no additions. Where nothing is ruled out, no
 * package is looked at. Members are told one by one, and by a range: a join, or an equality that
 * another index has, reads all members for each package as long as there are no statistics.
 */
async function rejectedPackages(
  db: Executor,
  { repository, add, remove, baseVersion }: Admission,
): Promise<readonly Rejected[]> {
  const open = sql`m.repository = ${repository.num} and m.removed >= 2147483647`;
  const stays = remove === "*" ? sql`false` : sql`m.content <> all(${remove}::uuid[])`;
  const rival = baseVersion
    ? sql`select true from repository_version v join membership m on m.repository = v.repository
        and m.added <= v.number and m.removed > v.number
        where v.id = ${baseVersion} and m.slot = c.slot and m.content <> c.id and ${stays} limit 1`
    : sql`select true from membership m
        where ${open} and m.slot = c.slot and m.content <> c.id and ${stays}`;
  const { rows } = await sql<Rejected>`
    with rule as materialized (
      select r.id, r.error_on_reject, r.allow_package_substitution, exists (
        select from python_blocklist_entry b where b.repository = r.id) as has_blocklist
      from python_repository r where r.id = ${repository.id}),
    candidate as materialized (
      select c.id, c.slot, p.filename, r.error_on_reject, r.allow_package_substitution,
        r.has_blocklist and exists (select from python_blocklist_entry b where b.repository = r.id
          and (b.filename = p.filename
            or (b.name = p.name_normalized and (b.version is null or b.version = p.version))
          )) as is_blocked
      from rule r
      join content c on c.domain = ${repository.domain} and c.id = any(case
        when (select has_blocklist or not allow_package_substitution from rule)
        then ${add}::uuid[] else '{}' end)
      join python_package p on p.domain = ${repository.domain} and p.id = c.id
      where (select true from membership m where ${open} and m.content = c.id) is null)
    select id, filename, is_blocked as "isBlocked", error_on_reject as "isError"
    from candidate c
    where is_blocked or (not allow_package_substitution and (${rival}))`.execute(db);
  return rows;
}

async function attestedAbout(
  db: Executor,
  { repository, add }: Admission,
  rejected: readonly Rejected[],
) {
  const { rows } = await sql<{ id: string; filename: string }>`
    select a.id, p.filename from python_provenance a
    join python_package p on p.domain = a.domain and p.id = a.package
    where a.domain = ${repository.domain} and a.id = any(${add}::uuid[])
      and a.package = any(${rejected.map(({ id }) => id)}::uuid[])`.execute(db);
  const reason = "the file that it is about stays out";
  return rows.map(({ id, filename }) => ({ id, name: `provenance of ${filename}`, reason }));
}

/** The repository of an admission by its id. @throws `pythonErrors.noRepository` */
export async function repositoryRef(
  db: Executor,
  domain: DomainRef,
  id: string,
): Promise<Admission["repository"]> {
  const { rows } = await sql<Admission["repository"]>`
    select num, id, domain, type, name from repository
    where domain = ${domain.num} and id = ${id}`.execute(db);
  const [found] = rows;
  if (!found) throw pythonErrors.noRepository(id);
  return found;
}
