import { randomUUID } from "node:crypto";

const UUID = /^[0-9a-f]{32}$|^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The client's id byte for byte if it is a UUID, else a fresh one (core-tasks-ops §19.3). */
export const correlationIdOf = (header: string | string[] | undefined): string =>
  typeof header === "string" && UUID.test(header) ? header : randomUUID().replaceAll("-", "");
