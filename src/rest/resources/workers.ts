import { sql } from "kysely";
import { datetime, link, text } from "../kit/fields.ts";
import type { Filter } from "../kit/filters/filter.ts";
import {
  DATETIME,
  datetimeFilters,
  NAME,
  readBoolean,
  textFilters,
} from "../kit/filters/lookups.ts";
import { defineResource } from "../kit/resource.ts";
import { href } from "../kit/view.ts";
import { appVersions } from "./schemas.ts";

const ONLINE = sql`e.last_heartbeat >= clock_timestamp() - e.ttl_seconds * interval '1 second'`;

/** A record is online while its heartbeat is younger than its TTL, by the clock of the database. */
const onlineFilter = (wanted: boolean): Filter => ({
  schema: { type: "boolean" },
  condition: (value) => {
    const given = readBoolean(value);
    if (given === undefined) return undefined;
    return given === wanted ? sql`(${ONLINE})` : sql`not (${ONLINE})`;
  },
});

interface Owned {
  readonly task: string;
  readonly domain: string;
}

export const worker = defineResource({
  path: "workers",
  label: "core",
  model: "Worker",
  prnModel: "AppStatus",
  title: "worker",
  key: "uuid",
  source: { from: "app_process e", where: "e.kind = 'worker'", domain: null },
  fields: {
    name: text({ readOnly: true }),
    last_heartbeat: datetime({ readOnly: true }),
    versions: appVersions,
    current_task: link({
      mayBeNull: true,
      sql: `(select jsonb_build_object('task', q.task, 'domain', d.name) from task_queue q
        join domain d on d.num = q.domain where q.owner = e.id order by q.seq limit 1)`,
      read: ({ current_task }, view) => {
        const owned = current_task as Owned | null;
        return owned && href(view, `tasks/${owned.task}/`, owned.domain);
      },
    }),
  },
  filters: {
    ...textFilters("name", "e.name", NAME),
    ...datetimeFilters("last_heartbeat", "e.last_heartbeat", DATETIME),
    online: onlineFilter(true),
    missing: onlineFilter(false),
  },
  orderings: {
    app_type: "e.kind",
    last_heartbeat: "e.last_heartbeat",
    name: "e.name",
    pulp_created: "e.created",
    pulp_id: "e.id",
    pulp_last_updated: "e.updated",
    ttl: "e.ttl_seconds",
    versions: "e.versions",
  },
  operations: { list: true, read: true },
});
