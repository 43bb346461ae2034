import { STATUS_CODES } from "node:http";
import { defineErrors } from "#base/errors.ts";
import { shownUrl } from "#base/shown-url.ts";

/** Codes and texts are a contract: never renumbered, never reused, changed only with a note. */
export const deliveryErrors = defineErrors({
  damaged: {
    code: "delivery-damaged",
    status: 502,
    message: (object: string) => `The stored file ${object} is missing or has another size.`,
  },
  upstream: {
    code: "delivery-upstream",
    status: 404,
    message: (url: string, reason: string) =>
      `Error while fetching from upstream remote(${shownUrl(url)}): ${reason}`,
  },
  exhausted: {
    code: "delivery-exhausted",
    status: 404,
    message: () => "No remote could provide the file.",
  },
});

/** `404: Not Found`, and the reason phrase of the status line (core-content §5.2). */
export interface ErrorAnswer {
  readonly status: number;
  /** Latin-1 without control characters. */
  readonly reason: string;
}

/** @param reason replaces the standard phrase; what a status line cannot hold becomes `?`. */
export const errorAnswer = (status: number, reason?: string): ErrorAnswer => ({
  status,
  reason: (reason ?? STATUS_CODES[status] ?? "Error")
    .replaceAll(/[^\u0020-\u007e\u00a0-\u00ff]/g, "?")
    .slice(0, 1024),
});
