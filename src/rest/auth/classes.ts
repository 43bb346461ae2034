import type { AuthenticationClass } from "./authentication.ts";
import { basicAuthentication } from "./basic.ts";
import { jsonHeaderAuthentication } from "./json-header.ts";
import { remoteUserAuthentication } from "./remote-user.ts";
import { sessionAuthentication } from "./session.ts";

/** The classes of the core; the setting chooses among them. */
export const coreAuthentication: readonly AuthenticationClass[] = [
  basicAuthentication,
  sessionAuthentication,
  remoteUserAuthentication,
  jsonHeaderAuthentication,
];
