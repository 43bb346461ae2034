import { advisories, type Ctx } from "#sdk";
import { labelledEcosystems } from "./ecosystems.ts";
import { reportErrors } from "./errors.ts";
import type { ReportedVersion } from "./version.ts";

type PackageQuery = Parameters<typeof advisories.advisoriesOf>[1][number];
type ReleaseType = ReturnType<typeof advisories.releaseTypes>[number];

/**
 * What OSV calls the packages of a type in a repository; what is not a release is not asked about.
 *
 * @throws `reportErrors.unlabelled`
 */
export function ecosystemsOf(
  { releases }: Pick<ReleaseType, "releases">,
  { labels }: Pick<ReportedVersion, "labels">,
): readonly string[] {
  if (releases.ecosystem !== null) return [releases.ecosystem];
  const named = labelledEcosystems(labels);
  if (!named) throw reportErrors.unlabelled();
  return named;
}

/**
 * One question for each release of a version and each of its ecosystems.
 *
 * @throws `reportErrors.unsupported` where no unit of the repository could be a release;
 *   `reportErrors.unlabelled`; `advisories.errors.tooMany`
 */
export async function queriesOf(
  ctx: Ctx,
  version: ReportedVersion,
): Promise<readonly PackageQuery[]> {
  const types = advisories.releaseTypes(ctx, version.type);
  if (types.length === 0) throw reportErrors.unsupported();
  const { OSV_MAX_RELEASES: most } = ctx.settings;
  const queries = new Map<string, PackageQuery>();
  for (const type of types) {
    const ecosystems = ecosystemsOf(type, version);
    for await (const page of advisories.releasePages(ctx, version, type)) {
      for (const { name, version: release } of page)
        for (const ecosystem of ecosystems)
          queries.set(JSON.stringify([ecosystem, name, release]), {
            ...{ ecosystem, name, version: release },
          });
      if (queries.size > most) throw advisories.errors.tooMany(most);
    }
  }
  return [...queries.values()];
}
