import type { Area } from "../area.ts";
import { syncLightwell, syncScheduled, syncSchedules } from "./tasks.ts";

/** Syncs that nobody has to ask for (service §19). */
export const syncs: Area = { tasks: [syncLightwell, syncScheduled], schedules: syncSchedules };
