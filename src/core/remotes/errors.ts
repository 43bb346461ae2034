import { defineErrors, fieldError } from "#base/errors.ts";
import { shownUrl } from "#base/shown-url.ts";
import type { ConstraintTable } from "../constraints.ts";

/** Downloads that brought the wrong thing (core-content §7.2), and remotes in use. */
export const remoteErrors = defineErrors({
  digest: {
    code: "PLP0003",
    status: 500,
    message: (url: string, expected: string, actual: string) =>
      `A file located at the url ${shownUrl(url)} failed validation due to checksum. Expected '${expected}', Actual '${actual}'`,
  },
  size: {
    code: "PLP0004",
    status: 500,
    message: (url: string, expected: string | number, actual: string | number) =>
      `A file located at the url ${shownUrl(url)} failed validation due to size. Expected '${expected}', Actual '${actual}'`,
  },
  unsupportedDigest: {
    code: "PLP0020",
    status: 500,
    message: (url: string, algorithms: readonly string[]) =>
      `Checksum algorithms [${algorithms.join(", ")}] of the file at ${shownUrl(url)} are forbidden for this Pulp instance.`,
  },
  status: {
    code: "PLP0025",
    status: 500,
    message: (status: number, reason: string, url: string) =>
      `${status}, message='${reason}', url='${shownUrl(url)}'`,
  },
  noSource: {
    code: "no_source",
    status: 404,
    message: () => "The file is not stored, and no remote offers it at the moment.",
  },
  notFound: {
    code: "remote_not_found",
    status: 404,
    message: (id: string) => `Remote ${id} does not exist.`,
  },
  inUse: {
    code: "remote_in_use",
    status: 409,
    message: (acs: string) =>
      `The remote cannot be deleted because the alternate content source '${acs}' uses it.`,
  },
});

export const remoteConstraints: ConstraintTable = {
  remote_name: () => fieldError("name", "This field must be unique."),
};
