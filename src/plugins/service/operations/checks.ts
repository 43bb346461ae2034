import { decodeIdentity } from "../identity/decode.ts";
import { serviceSettingsOf } from "../settings.ts";
import { json, operation } from "./endpoint.ts";
import { operationErrors } from "./errors.ts";

/** Only HEAD is asked; a GET is refused. */
const isHead = (method: string): void => {
  if (method !== "HEAD") throw operationErrors.method();
};

/** What probes of a gateway ask for (service §10). */
export const redirectCheck = operation({
  path: "/api/pulp/redirect-check/",
  title: "Answer with a redirect",
  isPublic: true,
  isDetached: true,
  async run({ request, reply }) {
    isHead(request.method);
    reply.header("location", "/api/");
    return { kind: "empty", status: 302 };
  },
});

export const errorCheck = operation({
  path: "/api/pulp/internal-server-error-check/",
  title: "Answer with a server error",
  isPublic: true,
  isDetached: true,
  async run({ request }) {
    isHead(request.method);
    return { kind: "empty", status: 500 };
  },
});

export const exceptionCheck = operation({
  path: "/api/pulp/raise-exception-check/",
  title: "Fail as a defect does",
  isPublic: true,
  isDetached: true,
  async run({ request }) {
    isHead(request.method);
    throw new Error("This error was asked for.");
  },
});

export const headerCheck = operation({
  path: "/api/pulp/debug_auth_header/",
  title: "Show what the gateway says",
  isPublic: true,
  isDetached: true,
  async run({ ctx, request }) {
    if (!serviceSettingsOf(ctx).AUTHENTICATION_HEADER_DEBUG) throw operationErrors.off();
    const { headers, socket } = request.raw;
    const header = (name: string): string | null => headers[name]?.toString() ?? null;
    const identity = header("x-rh-identity");
    return json(200, {
      x_rh_identity: documentOf(identity),
      x_pulp_vpn_access: header("x-pulp-vpn-access"),
      client_ip_headers: {
        true_client_ip: header("true-client-ip"),
        x_forwarded_for: header("x-forwarded-for"),
        x_real_ip: header("x-real-ip"),
        remote_addr: socket.remoteAddress ?? null,
      },
      other_headers: {
        x_rh_edge_host: header("x-rh-edge-host"),
        user_agent: header("user-agent"),
        host: header("host"),
      },
    });
  },
});

/** What cannot be read is shown as null. */
function documentOf(value: string | null) {
  const found = value === null ? undefined : decodeIdentity(value);
  return found?.kind === "document" ? found.document : null;
}
