import { newUnits } from "./content/commands.ts";
import { checked, inOneFlight } from "./flight.ts";
import { doneTasks, giveDone } from "./tasks/commands.ts";
import { isRefusal, together } from "./together.ts";

/** For short writes that take one trip to the database: its statements, and what sends them. */
export const flights = {
  send: inOneFlight,
  checked,
  newUnits,
  doneTasks,
  giveDone,
  together,
  isRefusal,
} as const;
