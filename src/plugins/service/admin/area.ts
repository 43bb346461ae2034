import type { Area } from "../area.ts";
import { adminSite } from "./site.ts";

/** Pages for people (service §11). */
export const admin: Area = { pages: adminSite };
