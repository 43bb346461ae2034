import type { Area } from "../area.ts";
import { onDownload } from "./content.ts";
import { serviceMiddleware } from "./middleware.ts";

/** Hooks around requests (service §12). */
export const middleware: Area = { middleware: serviceMiddleware, onDownload };
