import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { openErrorTracker } from "#platform/errors/open.ts";
import { createLog } from "#platform/log/create-log.ts";

interface Report {
  readonly release: string;
  readonly environment: string;
  readonly platform: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly exception: {
    readonly values: readonly {
      readonly type: string;
      readonly value: string;
      readonly stacktrace: { readonly frames: readonly { readonly function?: string }[] };
    }[];
  };
}

test("an unhandled error is reported with where it happened, and without credentials", async (t) => {
  const bodies: string[] = [];
  const paths: string[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    bodies.push(body);
    paths.push(request.url ?? "");
    response.end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", write: (line) => void lines.push(line) });
  const tracker = await openErrorTracker({
    ...{ dsn: `http://key@127.0.0.1:${port}/7`, release: "deckle@1", environment: "stage" },
    ...{ role: "worker", onTrouble: (message) => log.warn(message) },
  });
  log.onUnhandled((error, where) => tracker.capture(error, where));

  function brokenPart(): void {
    log
      .named("x")
      .of("cid1")
      .unhandled(new TypeError("of https://u:secret@host/ with Bearer abc.def"), {
        ...{ place: "task", domain: "team-a", task: "t1" },
      });
  }
  brokenPart();
  await tracker.flush();

  assert.match(lines.join(""), /^pulp \[cid1\]: x:ERROR: TypeError: of https:/);
  assert.equal(bodies.length, 1);
  assert.match(paths[0] ?? "", /^\/api\/7\/envelope\/\?.*sentry_key=key/);
  const [body = ""] = bodies;
  const [, , event = ""] = body.split("\n");
  const { release, environment, platform, tags, exception } = JSON.parse(event) as Report;
  assert.deepEqual([release, environment, platform], ["deckle@1", "stage", "node"]);
  assert.deepEqual(tags, {
    ...{ role: "worker", place: "task", correlation_id: "cid1", domain: "team-a", task_id: "t1" },
  });
  const [value] = exception.values;
  assert.equal(value?.type, "TypeError");
  assert.equal(value?.value, "of https://***host/ with Bearer ***");
  assert.ok(value?.stacktrace.frames.some((frame) => frame.function === "brokenPart"));
  assert.doesNotMatch(body, /secret|abc\.def/);
});

test("a tracker that is away is told once and holds nothing up", async () => {
  const told: string[] = [];
  const tracker = await openErrorTracker({
    ...{ dsn: "http://key@127.0.0.1:9/7", release: "r", environment: undefined, role: "api" },
    onTrouble: (message) => void told.push(message),
  });
  for (let number = 0; number < 200; number += 1) {
    tracker.capture(new Error(`number ${number}`), { place: "api" });
  }
  await tracker.flush();
  assert.equal(told.length, 1);
});
