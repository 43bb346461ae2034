import { momentOf } from "../logs/times.ts";
import { adminTasks } from "../tasks/admin-tasks.ts";
import { TaskReport } from "../tasks/report.ts";
import type { BenchmarkCommand } from "./command.ts";

const text = { type: "string" } as const;

export const taskAnalysis: BenchmarkCommand = {
  name: "task_analysis",
  usage: "[--since T] [--until T] [--task-name NAME]",
  summary: "Tells how long tasks of all domains waited and ran.",
  options: { since: text, until: text, "task-name": text },
  async run({ client, flags, terminal }) {
    const now = Date.now();
    const { since = "1 hour ago", until = "now" } = flags.text;
    const [fromMs, toMs] = [momentOf("since", since, now), momentOf("until", until, now)];
    const report = new TaskReport();
    for await (const task of adminTasks(client, { fromMs, toMs, name: flags.text["task-name"] })) {
      report.add(task);
    }
    if (report.count === 0) terminal.note("There is no task of that time.");
    else for (const line of report.lines()) terminal.print(line);
    return 0;
  },
};
