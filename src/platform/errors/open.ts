import type { ErrorTracker, ErrorTrackerOptions } from "./error-tracker.ts";

/** Begins to report to a service that speaks the protocol of Sentry; loaded only when it is used. */
export async function openErrorTracker(options: ErrorTrackerOptions): Promise<ErrorTracker> {
  const { createErrorTracker } = await import("./sentry.ts");
  return createErrorTracker(options);
}
