import { encodePath } from "#base/paths.ts";
import { distributionResource, publishedFields, relation } from "#sdk";
import { indexOrigin, indexPrefix } from "../settings.ts";
import { checkGroup, indexFields } from "./distribution-fields.ts";
import { names } from "./names.ts";

const { checkpoint: _, ...sources } = publishedFields;

export const pythonDistributionResource = distributionResource({
  ...names("PythonDistribution", "distributions/python/pypi", "python distribution"),
  detail: "python_distribution",
  fields: { ...sources, remote: relation("remote", { to: "remote" }, { nullable: true }) },
  detailFields: indexFields,
  check: checkGroup,
  // Clients are sent to the index, which redirects to the content app (plugin-python §6.1).
  baseUrl: ({ ctx, domain, domainEnabled }, basePath) =>
    `${indexOrigin(ctx)}${indexPrefix(ctx)}${domainEnabled ? `${domain}/` : ""}${encodePath(basePath)}/`,
});
