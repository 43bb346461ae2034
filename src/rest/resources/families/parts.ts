import type { CorePlugin, Family } from "#core/plugin-contract.ts";
import type { Resource } from "../../kit/resource.ts";
import { allContent } from "./content.ts";
import { allDistributions } from "./distributions.ts";
import { allGuards } from "./guards.ts";
import { allPublications } from "./publications.ts";
import { allRemotes } from "./remotes.ts";
import { allRepositories } from "./repositories.ts";
import { allVersions } from "./versions.ts";

/** The lists over all types of a family; which types there are, the plugins say. */
export function familyResources(plugins: readonly Pick<CorePlugin, "entities">[]): Resource[] {
  const ofFamily = (family: Family) =>
    plugins.flatMap(({ entities }) => entities.filter((entity) => entity.family === family));
  const types = (family: Family): string[] =>
    ofFamily(family)
      .map(({ type }) => type)
      .sort();
  const newer = new Set(ofFamily("content").flatMap((one) => (one.isNewer ? [one.type] : [])));
  return [
    allContent(
      types("content"),
      types("content").filter((type) => !newer.has(type)),
    ),
    allRepositories(types("repository")),
    allVersions,
    allRemotes(types("remote")),
    allPublications(types("publication")),
    allDistributions(types("distribution")),
    allGuards(types("content_guard")),
  ];
}
