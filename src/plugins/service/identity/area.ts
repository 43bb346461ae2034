import type { Area } from "../area.ts";
import { claimsReader } from "./claims.ts";
import { headerAuthentication } from "./classes.ts";

/** Who asks (service §§2 to 4). */
export const identity: Area = { authentication: headerAuthentication, claims: claimsReader };
