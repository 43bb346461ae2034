import assert from "node:assert/strict";
import { test } from "node:test";
import { container } from "#plugins/container/plugin.ts";
import { serveDoors } from "../../support/doors.ts";
import { createTestApi } from "../../support/rest-api.ts";

test("what an ingress is told to send covers every door", async (t) => {
  const api = await createTestApi(t, {
    shipped: [container],
    settings: { FLATPAK_INDEX: true, REGISTRY_MOUNT_PREFIXES: ["/", "/api/pulp/"] } as object,
  });
  const paths: string[] = [];
  const doors = (container.doors ?? []).map((door) => ({
    open(tools: Parameters<typeof door.open>[0]) {
      const opened = door.open(tools);
      paths.push(...opened.paths);
      return opened;
    },
  }));
  await serveDoors(t, api.ctx, [{ ...container, doors }]);

  const sent = container.ingress?.(api.ctx) ?? [];
  const isSent = (path: string) => sent.some((start) => `${path}/`.startsWith(start));
  assert.ok(paths.length >= 12, `${paths}`);
  assert.deepEqual(
    paths.filter((path) => !isSent(path)),
    [],
  );
});
