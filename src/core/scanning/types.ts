import { CodedError } from "#base/errors.ts";
import { scanErrors } from "./errors.ts";

/** Whether a scan refused a file; time-outs share the code of infected ones. */
export const isRefusedByScan = (error: unknown): error is CodedError =>
  error instanceof CodedError &&
  Object.values(scanErrors).some(
    ({ spec }) => spec.code === error.code && spec.status === error.status,
  );
