import { newUnits } from "./content/commands.ts";
import { attemptInOneFlight, checked, inOneFlight } from "./flight.ts";
import { doneTasks, giveDone } from "./tasks/commands.ts";
import { together } from "./together.ts";

/** For short writes that take one trip to the database: its statements, and what sends them. */
export const flights = {
  send: inOneFlight,
  attempt: attemptInOneFlight,
  checked,
  newUnits,
  doneTasks,
  giveDone,
  together,
} as const;
