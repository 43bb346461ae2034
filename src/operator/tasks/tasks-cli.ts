import {
  connectionHelp,
  connectionOf,
  connectionOptions,
  connectionUsage,
} from "../client/connection.ts";
import { ServerClient } from "../client/server-client.ts";
import { momentOf } from "../logs/times.ts";
import type { Tool } from "../tool.ts";
import { adminTasks } from "./admin-tasks.ts";
import { TaskReport } from "./report.ts";

const text = { type: "string" } as const;

export const tasksCli: Tool = {
  name: "tasks-cli",
  usage: `[--since T] [--until T] [--task-name NAME] [--no-plot] ${connectionUsage}`,
  summary: "Tells how long tasks of all domains waited and ran, with percentiles and plots.",
  help: [
    "",
    "Asks /api/pulp/admin/tasks/, which administrators and members of the group that",
    "ADMIN_READONLY_GROUP names may read. Percentiles are within 1 %.",
    "  --since T, --until T  2026-08-12T09:30:00Z, now, '3 hours ago'; the last day without them",
    "  --task-name NAME    tasks of this name only",
    "  --no-plot           only the table",
    ...connectionHelp,
  ],
  options: {
    ...connectionOptions,
    ...{ since: text, until: text, "task-name": text, plot: { type: "boolean" } },
  },
  async run(flags, terminal) {
    const now = Date.now();
    const { since = "1 day ago", until } = flags.text;
    const query = {
      fromMs: momentOf("since", since, now),
      ...(until === undefined ? {} : { toMs: momentOf("until", until, now) }),
      name: flags.text["task-name"],
    };
    const connection = await connectionOf(flags, terminal.environment);
    await using client = new ServerClient(connection, terminal.signal);
    const report = new TaskReport();
    for await (const task of adminTasks(client, query)) report.add(task);
    if (report.count === 0) {
      terminal.note("There is no task of that time.");
      return 0;
    }
    for (const line of report.lines()) terminal.print(line);
    if (flags.on.plot !== false) for (const line of report.plots()) terminal.print(line);
    return 0;
  },
};
