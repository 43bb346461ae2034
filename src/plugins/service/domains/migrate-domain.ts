import { prn } from "#base/prn.ts";
import { type Call, dispatch, tenancy, text, type Values } from "#sdk";
import { hasDomain, tenantOf } from "../access/tenants.ts";
import type { Endpoint } from "./create-domain.ts";
import { answered, NO_NAME, NO_TEMPLATE, Refusal, TEMPLATE } from "./refusal.ts";

const TASK = "pulpcore.app.tasks.migrate.migrate_backend";

/** Moves the files of a domain into the store of the template (service §6.2). */
export const migrateDomain: Endpoint = {
  path: "/api/pulp/migrate-domain/",
  policy: "domains/migrate",
  method: "POST",
  label: "service",
  operationId: "migrate_domain",
  tag: "Api: Migrate-Domain",
  isDescribed: true,
  title: "Migrate domain storage to S3",
  body: {
    schema: "MigrateDomain",
    isLenient: true,
    fields: { name: text({ absent: () => undefined }, { maxLength: 50 }) },
  },
  answers: { 202: "AsyncOperationResponse" },
  run: (call, values) => answered(() => migrate(call, values)),
};

async function migrate({ ctx, caller, rights, view }: Call, { name }: Values) {
  if (typeof name !== "string") throw new Refusal(400, NO_NAME);
  const domain = await tenancy.domainWithStore(ctx, name);
  const mayAsk =
    rights.isSuperuser ||
    (domain !== undefined && (await hasDomain(ctx, domain.num, tenantOf(caller, rights))));
  // Who may not ask does not learn what there is either.
  if (!domain || !mayAsk) throw new Refusal(404, `Domain '${name}' not found.`);
  if (name === "default") throw new Refusal(400, "Default domain cannot be migrated.");
  const template = await tenancy.domainWithStore(ctx, TEMPLATE);
  if (!template) throw new Refusal(500, NO_TEMPLATE);
  const task = ctx.plugins.task(TASK);
  if (!task) throw new Error(`There is no task ${TASK}.`);
  const { num, id } = domain;
  const dispatched = await dispatch(ctx, {
    task,
    input: template.store,
    caller: { ...caller, domain: { num, id, name } },
    exclusive: [prn("core.domain", id)],
  });
  const place = view.domainEnabled ? `${name}/` : "";
  const href = `${view.root}${place}api/v3/tasks/${dispatched.id}/`;
  return { kind: "json", status: 202, body: { task: href } } as const;
}
