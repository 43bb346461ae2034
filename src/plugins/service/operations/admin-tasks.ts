import { Readable } from "node:stream";
import { operator } from "#sdk";
import { isAdminOrReader } from "../access/audiences.ts";
import { operation } from "./endpoint.ts";

/** Tasks of every domain, for those who look after all of them (service §10). */
export const adminTasks = operation({
  path: "/api/pulp/admin/tasks/",
  operationId: "admin_tasks",
  tag: "Tasks",
  title: "List the tasks of all domains",
  admits: isAdminOrReader,
  async run(call) {
    const answer = await operator.allTasks(call);
    const body = typeof answer === "string" ? Readable.from([Buffer.from(answer)]) : answer;
    return { kind: "stream", type: "application/json", body };
  },
});
