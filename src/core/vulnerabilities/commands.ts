import { advisoriesOf } from "./advisories.ts";
import { vulnerabilityErrors } from "./errors.ts";
import { JsonService } from "./json-service.ts";
import { releasePages, releaseTypes } from "./queries.ts";
import { scanVersion } from "./scan.ts";
import { storedJson } from "./stored-json.ts";

/** For plugins that ask what is known about releases: what a version holds, and who knows of it. */
export const advisories = {
  releaseTypes,
  releasePages,
  advisoriesOf,
  scanVersion,
  storedJson,
  service: (...args: ConstructorParameters<typeof JsonService>) => new JsonService(...args),
  errors: vulnerabilityErrors,
} as const;
