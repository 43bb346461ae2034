import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type TestContext, test } from "node:test";
import { container } from "#plugins/container/plugin.ts";
import { service } from "#plugins/service/plugin.ts";
import { serveDoors } from "../../../support/doors.ts";
import { createTestApi } from "../../../support/rest-api.ts";
import { as, below, headersFor, makeDomain, serviceSettings, user } from "../support.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const sha256 = (bytes: string) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

async function createHosted(t: TestContext) {
  const api = await createTestApi(t, {
    shipped: [container, service],
    settings: serviceSettings(undefined, { TOKEN_AUTH_DISABLED: true }),
  });
  await makeDomain(api, "own", as(user("ana", "1")));
  const { meters } = api;
  const origin = await serveDoors(t, api.ctx, [container, service], { meters });
  const ask = async (method: string, path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${origin}/v2/own/app/${path}`, {
      ...{ method, ...init },
      headers: { ...headersFor(user("ana", "1")), "user-agent": "skopeo/1.18", ...init.headers },
    });
    await answer.arrayBuffer();
    return answer.status;
  };
  return { api, meters, ask };
}

test("pulls through the registry are counted by their manifests, and the bytes of their blobs", async (t) => {
  const { api, meters, ask } = await createHosted(t);
  const [config, layer] = ["{}", "layer of an image"];
  for (const body of [config, layer]) {
    assert.equal(await ask("POST", `blobs/uploads/?digest=${sha256(body)}`, { body }), 201);
  }
  const body = JSON.stringify({
    ...{ schemaVersion: 2, mediaType: MANIFEST },
    config: {
      mediaType: "application/vnd.oci.image.config.v1+json",
      digest: sha256(config),
      size: config.length,
    },
    layers: [
      {
        mediaType: "application/vnd.oci.image.layer.v1.tar",
        digest: sha256(layer),
        size: layer.length,
      },
    ],
  });
  const headers = { "content-type": MANIFEST };
  assert.equal(await ask("PUT", "manifests/1.0", { body, headers }), 201);
  for (let times = 0; times < 2; times += 1) {
    assert.equal(await ask("HEAD", "manifests/1.0"), 200);
    assert.equal(await ask("GET", "manifests/1.0"), 200);
    assert.equal(await ask("GET", `blobs/${sha256(layer)}`), 200);
  }
  assert.equal(await ask("GET", `blobs/${sha256("none")}`), 404);
  await meters?.close();

  const { body: page } = await api.get(below("own", "rpm_package_download/?ordering=hour"));
  const told = page.results.map((row: Record<string, unknown>) =>
    ["package_type", "name", "version", "org_id", "user", "client_family", "count", "bytes"]
      .map((name) => row[name])
      .join(" "),
  );
  assert.deepEqual(told.toSorted().toReversed(), [
    `container app 1.0 1 ana skopeo 2 ${2 * body.length}`,
    `container app  1 ana skopeo 0 ${2 * layer.length}`,
  ]);
});
