import { setTimeout as sleep } from "node:timers/promises";
import { Type } from "@sinclair/typebox";
import { defineTask, sql } from "#sdk";
import { cleanUpLocks } from "./locks/cleanup.ts";

const MODULE = "pulp_service.app.tasks";
const NO_OP_MS = 300;

/** Does nothing, for as long as the shortest real task: measures the queue (service §10). */
export const noOp = defineTask({
  name: `${MODULE}.util.no_op_task`,
  label: "service",
  input: Type.Object({}),
  immediate: true,
  async run({ ctx, signal }) {
    await sql`select 1`.execute(ctx.db);
    await sleep(NO_OP_MS, undefined, { signal });
    return null;
  },
});

/** Counts domains whose label says that they are sources of content. */
export const countContentSources = defineTask({
  name: `${MODULE}.domain_metrics.content_sources_domains_count`,
  label: "service",
  input: Type.Object({}),
  async run({ ctx }) {
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from domain where labels ->> 'contentsources' = 'true'`.execute(
      ctx.db,
    );
    ctx.metrics.gauge("pulp_content_sources_domains_count", rows[0]?.count ?? 0);
    return null;
  },
});

/** Counts repositories of the domain `rhel-ai`. */
export const countRhelAi = defineTask({
  name: `${MODULE}.domain_metrics.rhel_ai_repos_count`,
  label: "service",
  input: Type.Object({}),
  async run({ ctx }) {
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from repository r join domain d on d.num = r.domain
      where d.name = 'rhel-ai'`.execute(ctx.db);
    ctx.metrics.gauge("pulp_rhel_ai_repositories_count", rows[0]?.count ?? 0);
    return null;
  },
});

/** What is done again and again (service §19). */
export const operatorSchedules = [
  {
    name: "Collect Content Sources metrics periodically",
    taskName: countContentSources.name,
    input: {},
    minutes: 60,
  },
  {
    name: "Collect RHEL AI metrics periodically",
    taskName: countRhelAi.name,
    input: {},
    minutes: 60,
  },
  {
    name: "Clean up stale task locks periodically",
    taskName: cleanUpLocks.name,
    input: {},
    minutes: 360,
  },
] as const;
