import { CodedError } from "#base/errors.ts";
import { RegistryError, registryErrors } from "../registry/errors.ts";
import { isUpstreamError, upstreamStatus } from "../upstream/errors.ts";

/** How long clients wait that an upstream has sent away, if it did not say how long. */
const RETRY_S = 30;

/** Whether asking an upstream failed, rather than something of ours. */
export const isAboutUpstream = (error: unknown): boolean =>
  isTimeOut(error) || isUpstreamError(error);

const isTimeOut = (error: unknown): boolean =>
  error instanceof DOMException && error.name === "TimeoutError";

/** Failures of connections, and silence. */
const CONNECTION = new Set(["PLP0005", "PLP0008", "PLP0027"]);

/** What the client hears of an upstream that failed (plugin-container §6, §7.1). */
export function upstreamRefusal(error: unknown, reference: string): RegistryError {
  const status = upstreamStatus(error);
  if (status === 404) return registryErrors.manifestUnknown(reference);
  if (status === 429) return registryErrors.throttled(RETRY_S);
  const isLate = isTimeOut(error) || (error instanceof CodedError && CONNECTION.has(error.code));
  return isLate
    ? refusal(504, "Response from the upstream timed out.")
    : refusal(502, "Invalid response received from the upstream.");
}

const refusal = (status: number, message: string): RegistryError =>
  new RegistryError(status, { code: "UNSUPPORTED", message });
