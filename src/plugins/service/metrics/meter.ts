import type { Ctx, Meter } from "#sdk";
import { serviceSettingsOf } from "../settings.ts";
import { activityMeter } from "./activity.ts";
import { downloadMeter } from "./downloads.ts";

const nothing = (): void => undefined;

/** Counts downloads and requests, unless `DOWNLOAD_METRICS_ENABLED` says no. */
export function serviceMeter(ctx: Ctx): Meter {
  if (!serviceSettingsOf(ctx).DOWNLOAD_METRICS_ENABLED) {
    return { sent: nothing, asked: nothing, close: async () => undefined };
  }
  const downloads = downloadMeter(ctx);
  const activity = activityMeter(ctx);
  return {
    sent: downloads.sent,
    asked: activity.asked,
    async close() {
      await Promise.all([downloads.close(), activity.close()]);
    },
  };
}
