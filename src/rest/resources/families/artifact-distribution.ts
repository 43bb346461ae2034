import { ARTIFACT_DISTRIBUTION } from "#core/guards/models.ts";
import { defineResource, type Resource } from "../../kit/resource.ts";
import { distributionFields, distributionFilters, distributionOrderings } from "./distributions.ts";

const { repository: _, ...fields } = distributionFields;

/** `distributions/core/artifacts/`: read only, there once an address was signed (core-rest §8.8). */
export const artifactDistribution: Resource = defineResource({
  path: ARTIFACT_DISTRIBUTION.path,
  label: "core",
  model: "ArtifactDistribution",
  family: "distribution",
  title: "artifact distribution",
  key: "uuid",
  source: { from: "distribution e", where: `e.type = '${ARTIFACT_DISTRIBUTION.type}'` },
  fields,
  filters: distributionFilters,
  orderings: distributionOrderings,
  operations: { list: true, read: true },
});
