import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type TestContext, test } from "node:test";
import { container } from "#plugins/container/plugin.ts";
import { service } from "#plugins/service/plugin.ts";
import { serveDoors } from "../../../support/doors.ts";
import { createTestApi, formOf } from "../../../support/rest-api.ts";
import { as, below, headersFor, makeDomain, serviceSettings, user } from "../support.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const ANA = user("ana", "1");
const sha256 = (bytes: string) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

async function createHosted(t: TestContext) {
  const api = await createTestApi(t, {
    shipped: [container, service],
    settings: serviceSettings(undefined, { TOKEN_AUTH_DISABLED: true }),
  });
  await makeDomain(api, "own", as(ANA));
  const origin = await serveDoors(t, api.ctx, [container, service]);
  const ask = async (method: string, path: string, init: RequestInit = {}) => {
    const answer = await fetch(
      path.startsWith("/") ? `${origin}${path}` : `${origin}/v2/own/app/${path}`,
      { method, ...init, headers: { ...headersFor(ANA), ...init.headers } },
    );
    const text = await answer.text();
    return { status: answer.status, text, headers: answer.headers };
  };
  const blob = (body: string) => ask("POST", `blobs/uploads/?digest=${sha256(body)}`, { body });
  const manifest = (tag: string, note: string) =>
    ask("PUT", `manifests/${tag}`, {
      headers: { "content-type": MANIFEST },
      body: JSON.stringify({
        ...{ schemaVersion: 2, mediaType: MANIFEST, annotations: { note }, layers: [] },
        config: {
          ...{
            mediaType: "application/vnd.oci.image.config.v1+json",
            digest: sha256("{}"),
            size: 2,
          },
        },
      }),
    });
  return { api, ask, blob, manifest };
}

const codeOf = ({ status, text }: { status: number; text: string }) => {
  const [error] = JSON.parse(text).errors;
  return `${status} ${error.code} ${error.message}`;
};

test("9.3: pushes to the registry keep to the record of their repository", async (t) => {
  const { api, ask, blob, manifest } = await createHosted(t);
  assert.equal((await blob("{}")).status, 201);
  assert.equal((await manifest("1.0", "first")).status, 201);
  const { body: found } = await api.get(below("own", "repositories/container/container-push/"));
  const listed =
    found?.results?.[0] ?? (await api.get(below("own", "repositories/"))).body.results[0];
  const json = { name: "app", repository: listed.pulp_href };
  const made = await api.request("POST", below("own", "push_repository/"), { ...as(ANA), json });
  assert.equal(made.status, 201, made.text);
  const href = made.body.pulp_href;
  const set = async (change: object) => {
    const { status, text } = await api.request("PATCH", href, { json: change });
    assert.equal(status, 200, text);
  };

  assert.equal((await manifest("1.0", "first")).status, 201, "the same again");
  const moved = await manifest("1.0", "second");
  assert.equal(codeOf(moved), "409 DENIED The repository keeps its tags as they are.");
  assert.equal((await manifest("2.0", "second")).status, 201, "a new tag");
  await set({ allow_overwrite: true });
  assert.equal((await manifest("1.0", "second")).status, 201);
  assert.equal((await api.get(href)).body.push_count, 3);

  await set({ max_upload_size: 10 });
  const large = "413 SIZE_INVALID Upload exceeds the maximum of 10 bytes.";
  assert.equal(codeOf(await blob("eleven bytes and more")), large);
  const begun = await ask("POST", "blobs/uploads/");
  const place = begun.headers.get("location") ?? "";
  assert.equal((await ask("PATCH", place, { body: "12345" })).status, 202);
  assert.equal(codeOf(await ask("PATCH", place, { body: "678901" })), large);
  const whole = (await ask("POST", "blobs/uploads/")).headers.get("location") ?? "";
  const put = await ask("PUT", `${whole}?digest=${sha256("x".repeat(11))}`, {
    body: "x".repeat(11),
  });
  assert.equal(codeOf(put), large);
  assert.equal((await blob("ten bytes.")).status, 201);

  await set({ enabled: false });
  const off = "403 DENIED Pushing to this repository is disabled.";
  assert.equal(codeOf(await blob("{}")), off);
  assert.equal(codeOf(await manifest("3.0", "third")), off);
  assert.equal((await ask("GET", "manifests/1.0")).status, 200, "pulls go on");
  const form = formOf({}, [{ name: "file", bytes: "x" }]);
  const headers = { ...as(ANA).headers, ...form.headers };
  const push = await api.request("POST", `${href}push/`, { ...form, user: null, headers });
  assert.deepEqual([push.status, Object.keys(push.body)], [400, ["non_field_errors"]]);
});
