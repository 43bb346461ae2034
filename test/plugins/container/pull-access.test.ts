import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContextOptions } from "../../support/context.ts";
import { createPullWorld } from "./pull-world.ts";

const IMAGE = "cache/library/app";

async function strangerAt(
  t: Parameters<typeof createPullWorld>[0],
  options: { readonly isPrivate?: boolean; readonly isOpen?: boolean },
) {
  const settings = { CONTAINER_PULL_ANONYMOUS: options.isOpen === true } as object;
  const world = await createPullWorld(t, { settings } as ContextOptions);
  world.repository.tag("1.0", world.repository.image(["layer"]));
  world.repository.tag("2.0", world.repository.image(["other layer"]));
  await world.addThrough({ isPrivate: options.isPrivate === true });
  const pull = async (tag: string): Promise<number> => {
    const query = new URLSearchParams({
      service: new URL(world.origin).host,
      scope: `repository:${IMAGE}:pull`,
    });
    const { token } = Object(await (await fetch(`${world.origin}/token/?${query}`)).json());
    const url = `${world.origin}/v2/${IMAGE}/manifests/${tag}`;
    return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;
  };
  return { world, pull };
}

test("strangers pull what a cache has, and what it has not is for those with rights", async (t) => {
  const { world, pull } = await strangerAt(t, {});
  assert.equal(await pull("1.0"), 401);
  assert.deepEqual(world.upstream.requests, []);

  assert.equal((await world.get(`${IMAGE}/manifests/1.0`)).status, 200);
  assert.equal(await pull("1.0"), 200);
  assert.equal(await pull("2.0"), 404);
});

test("where caches are open, strangers have public ones fetch, and private ones not", async (t) => {
  const open = await strangerAt(t, { isOpen: true });
  assert.equal(await open.pull("1.0"), 200);
  assert.equal(await open.pull("2.0"), 200);

  const closed = await strangerAt(t, { isOpen: true, isPrivate: true });
  assert.equal(await closed.pull("1.0"), 401);
  assert.deepEqual(closed.world.upstream.requests, []);
});
