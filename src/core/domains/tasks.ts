import { Type } from "@sinclair/typebox";
import type { JsonObject } from "#base/json.ts";
import { defineTask } from "../plugin-contract.ts";
import { isProtected } from "./errors.ts";
import { migrateStore } from "./migrate.ts";
import { DEFAULT_DOMAIN } from "./rules.ts";

/** Moves the caller's domain to another store; the request has the domain to itself. */
export const migrateBackend = defineTask({
  name: "pulpcore.app.tasks.migrate.migrate_backend",
  label: "core",
  input: Type.Object({
    storageClass: Type.String(),
    /** Every option of the class. */
    options: Type.Record(Type.String(), Type.Unknown()),
  }),
  async run(job, { storageClass, options }) {
    const { domain } = job.caller;
    if (domain.name === DEFAULT_DOMAIN) throw isProtected("migrated");
    await migrateStore(job, domain, { storageClass, options: options as JsonObject });
    return null;
  },
});
