import type { AccessRecord } from "./access-format.ts";
import { escapeControls } from "./text-line.ts";

/** Key → what it is of; those of no value are left out of a line. */
const MEMBERS: Readonly<Record<string, (record: AccessRecord) => string | number | undefined>> = {
  time: ({ startedAt }) => startedAt.toISOString(),
  logger: () => "access",
  cid: ({ responseHeader }) => responseHeader("correlation-id"),
  client: ({ address }) => known(address),
  user: ({ environment, user }) => environment("REMOTE_USER") ?? known(user),
  org_id: ({ environment }) => known(environment("ORG_ID")),
  method: ({ method }) => method,
  url: ({ url }) => url,
  protocol: ({ protocol }) => protocol,
  status: ({ status }) => status,
  bytes: ({ bytes }) => bytes,
  duration_ms: ({ durationMs }) => Math.round(durationMs * 1000) / 1000,
  referer: ({ requestHeader }) => requestHeader("referer"),
  user_agent: ({ requestHeader }) => requestHeader("user-agent"),
  x_forwarded_for: ({ requestHeader }) => requestHeader("x-forwarded-for"),
  cache: ({ responseHeader }) => responseHeader("x-pulp-cache"),
  artifact_size: ({ responseHeader }) => responseHeader("x-pulp-artifact-size"),
  rh_org_id: ({ responseHeader }) => responseHeader("x-rh-org-id"),
};

const known = (value: string | undefined): string | undefined =>
  value === "-" ? undefined : value;

/**
 * A finished request as one JSON object without a line end, with the facts of the lines of both
 * servers (service §13): `{"time":"…","logger":"access","cid":"…","status":200,…}`.
 */
export const jsonAccessLine = (record: AccessRecord): string =>
  escapeControls(
    JSON.stringify(
      Object.fromEntries(Object.entries(MEMBERS).map(([key, read]) => [key, read(record)])),
    ),
  );
