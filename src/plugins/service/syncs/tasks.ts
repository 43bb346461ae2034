import { Type } from "@sinclair/typebox";
import { type Ctx, defineTask, type Plugin } from "#sdk";
import { serviceSettingsOf } from "../settings.ts";
import { beginSync } from "./begin-sync.ts";

const MODULE = "pulp_service.app.tasks";
const DAY_MINUTES = 1440;

/** Adds what is new of the Trusted Libraries to a repository of the domain `lightwell` (service §19). */
export const syncLightwell = defineTask({
  name: `${MODULE}.lightwell_period_sync.python_repository_sync`,
  label: "service",
  input: Type.Object({}),
  async run(job) {
    const task = await beginSync(job, {
      ...{ domain: "lightwell", type: "python", mirror: false },
      ...{ repository: "network-python-validated-landing", remote: "trusted-libraries" },
    });
    return task === undefined ? null : { task };
  },
});

/** The sync of one entry of `SCHEDULED_SYNCS`, as the setting has it now. */
export const syncScheduled = defineTask({
  name: `${MODULE}.scheduled_sync.sync`,
  label: "service",
  input: Type.Object({ schedule: Type.String() }),
  async run(job, { schedule }) {
    const wanted = syncsOf(job.ctx).find((entry) => scheduleName(entry) === schedule);
    const task = wanted && (await beginSync(job, { mirror: false, ...wanted }));
    return task === undefined ? null : { task };
  },
});

type Entry = ReturnType<typeof syncsOf>[number];

const syncsOf = (ctx: Pick<Ctx, "settings">) => serviceSettingsOf(ctx).SCHEDULED_SYNCS;

/** Names of schedules are unique; of two entries about the same the last one counts. */
const scheduleName = ({ domain, type, repository, remote }: Entry): string =>
  `Sync the ${type} repository ${domain}/${repository} with ${remote}`;

type Schedules = Extract<NonNullable<Plugin["schedules"]>, (...of: never[]) => unknown>;

/** As the settings say (service §19). */
export const syncSchedules: Schedules = (settings) => [
  {
    name: "Sync Lightwell repository with Trusted Libraries content",
    taskName: syncLightwell.name,
    input: {},
    minutes: DAY_MINUTES,
  },
  ...syncsOf({ settings }).map((entry) => ({
    name: scheduleName(entry),
    taskName: syncScheduled.name,
    input: { schedule: scheduleName(entry) },
    minutes: entry.interval ?? DAY_MINUTES,
  })),
];
