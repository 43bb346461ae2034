import { Type } from "@sinclair/typebox";
import { sql } from "kysely";
import { defineTask } from "../plugin-contract.ts";

/** Measures the space that each domain uses (core-tasks-ops §19.1). */
export const measureSpace = defineTask({
  name: "pulpcore.app.tasks.telemetry.otel_metrics",
  label: "core",
  input: Type.Object({}),
  async run({ ctx }) {
    const { rows } = await sql<{ name: string; bytes: string }>`
      select d.name, coalesce(sum(a.size), 0)::text as bytes
      from domain d left join artifact a on a.domain = d.num group by d.name`.execute(ctx.db);
    for (const { name, bytes } of rows) {
      ctx.metrics.gauge("pulp_space_usage_bytes", Number(bytes), { domain_name: name });
    }
    return null;
  },
});
