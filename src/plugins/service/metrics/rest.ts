import { datetimeFilters, defineResource, integer, link, relation, text, textFilters } from "#sdk";

const shown = text({ readOnly: true });
const known = text({ readOnly: true, nullable: true });
const number = integer({ readOnly: true });

/** What is named may have gone: the numbers stay. */
const distribution = relation(
  "distribution",
  { to: "distribution" },
  {
    readOnly: true,
    nullable: true,
    column: "(select x.id from distribution x where x.domain = e.domain and x.id = e.distribution)",
  },
);

const content = link({
  nullable: true,
  columns: {
    content$type: `(select t.name from content c join content_type t on t.num = c.type
      where c.domain = e.domain and c.id = e.content)`,
  },
  read(row, { ctx, root, domainEnabled, domain }) {
    const type = row.content$type;
    if (typeof type !== "string") return null;
    const { path } = ctx.plugins.contentType(type);
    return `${root}${domainEnabled ? `${domain}/` : ""}api/v3/${path}/${row.content}/`;
  },
});

/** How often packages were downloaded, by hour (service §9.4). */
export const packageDownloads = defineResource({
  path: "rpm_package_download",
  label: "service",
  model: "RpmPackageDownload",
  title: "rpm package download",
  key: "uuid",
  // The keys are made in the order of time.
  source: { from: "service_package_download e", created: null },
  fields: {
    hour: text({ readOnly: true }, { format: "date-time" }),
    package_type: shown,
    name: shown,
    epoch: known,
    version: known,
    release: known,
    arch: known,
    nevra: known,
    distribution,
    base_path: shown,
    content,
    org_id: known,
    user: text({ readOnly: true, nullable: true, sql: "e.username" }),
    client_family: shown,
    count: number,
    bytes: number,
    cache_hits: number,
  },
  filters: {
    ...datetimeFilters("hour", "e.hour", ["exact", "gte", "lt"]),
    ...textFilters("name", "e.name"),
    ...textFilters("arch", "e.arch"),
    ...textFilters("org_id", "e.org_id"),
    ...textFilters("base_path", "e.base_path"),
    ...textFilters("package_type", "e.package_type"),
  },
  // Of a million rows only these have an index; which packages come first, reports tell.
  orderings: { hour: "e.hour", name: "e.name" },
  operations: { list: true, read: true },
});
