import { uuid7 } from "#base/uuid7.ts";
import type { CoreEvent, Ctx, Plugin } from "#sdk";
import { serviceSettingsOf } from "../settings.ts";
import { Outbox, type Outgoing, type Sink, writeEvents } from "./outbox.ts";
import { eventBody, eventLine, type ShownEvent, shownEvent } from "./rules.ts";
import { Stream } from "./stream.ts";
import { Webhook } from "./webhook.ts";

const LOGGER = "pulp_service.events";
const POLL_MS = 10_000;
const FIRST_PAUSE_MS = 1000;
/** Events of no transaction whose writing is waited for. */
const MOST_UNWRITTEN = 100;

type Listen = NonNullable<Plugin["listen"]>;

/** Writes a line, counts, and sends to the sinks that there are (service §12.4). */
export const listenToEvents: Listen = (ctx) => {
  const log = ctx.log.named(LOGGER);
  const sinks = sinksOf(ctx);
  const sending = sinks.length === 0 ? undefined : new Sending(ctx, sinks);
  return {
    ...(sending ? { keepWithin: (trx, events) => sending.keepWithin(trx, events) } : {}),
    hear(event) {
      const shown = shownEvent(event);
      const { facts, correlationId } = shown;
      log.of(correlationId).info(eventLine(shown), { event: shown.name, ...facts });
      count(ctx, event);
      sending?.hear(event, shown);
    },
    close: async () => sending?.close(),
  };
};

/** What is sent is written first: with the change that it is about, or by itself. */
class Sending {
  readonly #ctx: Ctx;
  readonly #names: readonly Sink["name"][];
  readonly #outboxes: readonly Outbox[];
  readonly #unwritten = new Set<Promise<void>>();

  constructor(ctx: Ctx, sinks: readonly Sink[]) {
    const keepSeconds = serviceSettingsOf(ctx).EVENT_KEEP_HOURS * 3600;
    const options = { keepSeconds, pollMs: POLL_MS, firstPauseMs: FIRST_PAUSE_MS };
    this.#ctx = ctx;
    this.#names = sinks.map(({ name }) => name);
    this.#outboxes = sinks.map((sink) => new Outbox(ctx, { sink, ...options }));
  }

  keepWithin: NonNullable<ReturnType<Listen>["keepWithin"]> = (trx, events) =>
    writeEvents(
      trx,
      this.#names,
      events.map((event) => this.#outgoing(shownEvent(event))),
    );

  hear(event: CoreEvent, shown: ShownEvent): void {
    if (event.kind !== "auth") this.#wake();
    // Strangers can cause as many refusals as they like, which must not displace the rest.
    else if (event.action !== "failed") this.#write(shown);
  }

  async close(): Promise<void> {
    await Promise.all(this.#unwritten);
    await Promise.all(this.#outboxes.map((outbox) => outbox.close()));
  }

  /** A session has begun already, and nobody waits for its event. */
  #write(shown: ShownEvent): void {
    const warn = (why: unknown): void =>
      this.#ctx.log.warn(`The event ${shown.name} is not sent: ${why}`);
    if (this.#unwritten.size >= MOST_UNWRITTEN) {
      warn("too many wait to be written");
      return;
    }
    const writing = writeEvents(this.#ctx.db, this.#names, [this.#outgoing(shown)])
      .then(() => this.#wake(), warn)
      .finally(() => this.#unwritten.delete(writing));
    this.#unwritten.add(writing);
  }

  #wake(): void {
    for (const outbox of this.#outboxes) outbox.wake();
  }

  #outgoing(shown: ShownEvent): Outgoing {
    const id = uuid7();
    const time = new Date(this.#ctx.clock.now()).toISOString();
    return { id, name: shown.name, payload: JSON.stringify(eventBody(shown, { id, time })) };
  }
}

function sinksOf(ctx: Ctx): readonly Sink[] {
  const settings = serviceSettingsOf(ctx);
  const { EVENT_WEBHOOK_URL: url, EVENT_STREAM: key } = settings;
  const webhook = {
    url,
    secret: settings.EVENT_WEBHOOK_SECRET,
    timeoutMs: settings.EVENT_WEBHOOK_TIMEOUT * 1000,
  };
  return [
    ...(url === "" ? [] : [new Webhook(ctx, webhook)]),
    ...(key === "" ? [] : [new Stream(ctx, { key, length: settings.EVENT_STREAM_LENGTH })]),
  ];
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
