import type { Area } from "../area.ts";
import { serviceSettingsOf } from "../settings.ts";
import { listenToEvents } from "./listener.ts";

/** What is done when something has happened (service §12.4). */
export const events: Area = {
  listen: listenToEvents,
  usesRedis: (settings) => serviceSettingsOf({ settings }).EVENT_STREAM !== "",
};
