import { type AccessRecord, compileAccessFormat } from "#platform/log/access-format.ts";

/** What a test says of a request; the rest is the same for all. */
export interface Said {
  readonly path: string;
  readonly status?: number;
  readonly at?: string;
  readonly ms?: number;
  readonly request?: Readonly<Record<string, string>>;
  readonly response?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
}

/** The line of a request as our servers write it. */
export const accessLine = (format: string, said: Said): string =>
  compileAccessFormat(format)(accessRecord(said));

export function accessRecord(said: Said): AccessRecord {
  const [path = "", query = ""] = said.path.split("?");
  return {
    ...{ address: "10.1.2.3", port: 4711, user: "-", method: "GET", path, query },
    ...{ url: said.path, protocol: "HTTP/1.1", status: said.status ?? 200, bytes: 512 },
    startedAt: new Date(said.at ?? "2026-08-12T09:30:00Z"),
    durationMs: said.ms ?? 12.4,
    requestHeader: (name) => said.request?.[name],
    responseHeader: (name) => said.response?.[name],
    environment: (name) => said.environment?.[name],
  };
}
