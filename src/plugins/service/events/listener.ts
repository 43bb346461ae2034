import type { CoreEvent, Ctx, Plugin } from "#sdk";
import { serviceSettingsOf } from "../settings.ts";
import { eventLine, shownEvent } from "./rules.ts";
import { Webhook } from "./webhook.ts";

const LOGGER = "pulp_service.events";

type Listen = NonNullable<Plugin["listen"]>;

/** Writes a line, counts, and tells the webhook where there is one (service §12.4). */
export const listenToEvents: Listen = (ctx) => {
  const log = ctx.log.named(LOGGER);
  const webhook = webhookOf(ctx);
  return {
    hear(event) {
      const shown = shownEvent(event);
      const { facts, correlationId } = shown;
      log.of(correlationId).info(eventLine(shown), { event: shown.name, ...facts });
      count(ctx, event);
      // Strangers can cause as many refusals as they like, which must not displace the rest.
      if (shown.name !== "auth.failed") webhook?.tell(shown);
    },
    close: async () => webhook?.close(),
  };
};

function webhookOf(ctx: Ctx): Webhook | undefined {
  const settings = serviceSettingsOf(ctx);
  return settings.EVENT_WEBHOOK_URL === ""
    ? undefined
    : new Webhook(ctx, {
        url: settings.EVENT_WEBHOOK_URL,
        secret: settings.EVENT_WEBHOOK_SECRET,
        timeoutMs: settings.EVENT_WEBHOOK_TIMEOUT * 1000,
        mostWaiting: settings.EVENT_WEBHOOK_QUEUE,
        attempts: settings.EVENT_WEBHOOK_ATTEMPTS,
        firstPauseMs: 1000,
      });
}

function count({ metrics }: Ctx, event: CoreEvent): void {
  const { action } = event;
  switch (event.kind) {
    case "repository":
      metrics.count("pulp_service_repository_events_total", { action, type: event.type });
      break;
    case "auth": {
      const outcome = action === "failed" ? "failure" : "success";
      metrics.count("pulp_service_auth_events_total", { class: event.by, outcome });
      break;
    }
    default:
      metrics.count("pulp_service_publication_events_total", {
        action: `${event.kind}_${action}`,
      });
  }
}
