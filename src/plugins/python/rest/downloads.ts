import { defineResource, integer, NAME, text, textFilters } from "#sdk";
import { pythonDistributionResource } from "./distributions.ts";

/** How often each file of a distribution was fetched. */
export const pythonDownloadsResource = defineResource({
  path: "downloads",
  parent: pythonDistributionResource,
  parameters: { parent: "distribution_pk", key: "pulp_id" },
  label: "python",
  model: "PythonDownload",
  title: "python download",
  key: "uuid",
  source: { from: "python_download e", parent: "e.distribution" },
  addressColumns: { $distribution: "e.distribution" },
  address: ({ $distribution, $key }, { root, domain, domainEnabled }) =>
    `${root}${domainEnabled ? `${domain}/` : ""}api/v3/${pythonDistributionResource.path}/` +
    `${$distribution}/downloads/${$key}/`,
  fields: {
    filename: text({ readOnly: true }),
    count: integer({ readOnly: true, sql: "e.count" }),
  },
  filters: textFilters("filename", "e.filename::text", NAME),
  orderings: { count: "e.count", filename: "e.filename", pulp_last_updated: "e.updated" },
  operations: { list: true, read: true },
});
