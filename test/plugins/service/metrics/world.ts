import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { type ContentServer, createContentServer } from "#delivery/server.ts";
import { servePulled } from "#plugins/python/pull/deliver.ts";
import { serviceMeter } from "#plugins/service/metrics/meter.ts";
import { formOf, type TestApi } from "../../../support/rest-api.ts";
import { endedTask } from "../../../support/run-tasks.ts";
import { sdist, wheel } from "../../python/distributions.ts";
import { below, createService, make } from "../support.ts";

/** Noon of a Tuesday. */
export const NOON = Date.parse("2026-11-24T12:00:00Z");

export const at = (path: string): string => below("default", path);

/** A service with an index `idx` of a wheel and a source, its content app, and a clock to set. */
export async function createMetered(t: TestContext, settings: object = {}) {
  const clock = { time: NOON };
  const api = await createService(t, {
    ...{ SECRET_KEY: "secret of the tests", ...settings },
  });
  const metered = { ...api, ctx: { ...api.ctx, clock: { now: () => clock.time } } };
  await fillIndex(api);
  const servers: ContentServer[] = [];
  t.after(() => Promise.all(servers.map((server) => server.close(AbortSignal.timeout(2000)))));
  const meters = serviceMeter(metered.ctx);
  const server = createContentServer(metered.ctx, {
    handlers: [servePulled],
    onSent: (sent) => meters.sent(sent),
  });
  servers.push(server);
  const { port } = (await server.listen({ port: 0, host: "127.0.0.1" })) as AddressInfo;
  return {
    ...{ api, clock },
    flush: () => meters.close(),
    async get(path: string, init: RequestInit = {}) {
      const url = `http://127.0.0.1:${port}/pulp/content/default/idx/${path}`;
      const answer = await fetch(url, { redirect: "manual", ...init });
      await answer.arrayBuffer();
      return answer.status;
    },
    async rows(query = "") {
      const { status, body, text } = await api.get(at(`rpm_package_download/${query}`));
      assert.equal(status, 200, text);
      return body.results;
    },
  };
}

/** An index `idx` with the wheel and the source of shelf-reader. */
export async function fillIndex(api: TestApi): Promise<string> {
  const units: string[] = [];
  for (const { filename, bytes } of [wheel(), sdist()]) {
    const form = formOf({}, [{ name: "file", bytes, filename }]);
    const made = await api.request("POST", at("content/python/packages/upload/"), form);
    assert.equal(made.status, 201, made.text);
    units.push(made.body.pulp_href);
  }
  const repository = await make(api, at("repositories/python/python/"), { name: "r" });
  const json = { add_content_units: units };
  await endedTask(api, await api.request("POST", `${repository}modify/`, { json }));
  const index = { name: "idx", base_path: "idx", repository };
  await make(api, at("distributions/python/pypi/"), index);
  return repository;
}
