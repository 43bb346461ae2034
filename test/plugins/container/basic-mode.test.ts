import assert from "node:assert/strict";
import { test } from "node:test";
import { basic, createAccessWorld, PASSWORD } from "./access-world.ts";
import { codesOf } from "./registry-world.ts";

const BASIC = { settings: { TOKEN_AUTH_DISABLED: true } as object };
/** As podman sends it when it is logged out. */
const MARKER = "Basic Og==";
const CHALLENGE = 'Basic realm="api"';

test("without tokens a password goes with every request, and there is no token server", async (t) => {
  const world = await createAccessWorld(t, BASIC);
  await world.addUser("ann");
  const ping = (authorization?: string) => world.as(authorization, "GET", "/v2/");

  const stranger = await ping();
  assert.deepEqual([stranger.status, stranger.headers.get("www-authenticate")], [401, CHALLENGE]);
  assert.deepEqual(await codesOf(stranger), ["UNAUTHORIZED"]);
  const marked = await ping(MARKER);
  assert.deepEqual([marked.status, await codesOf(marked)], [403, ["DENIED"]]);
  const wrong = await ping(basic("ann:wrong"));
  assert.deepEqual([wrong.status, wrong.headers.get("www-authenticate")], [401, CHALLENGE]);
  assert.equal((await ping(basic(`ann:${PASSWORD}`))).status, 200);
  assert.equal((await world.token([])).status, 404);
});

test("without tokens strangers pull what is public, and private ones stay unseen", async (t) => {
  const world = await createAccessWorld(t, BASIC);
  await world.pushImage("team/app", "1");
  await world.pushImage("team/secret", "1");
  await world.setPrivate("team/secret", true);
  await world.addUser("ann");
  const ann = basic(`ann:${PASSWORD}`);
  const get = async (authorization: string | undefined, name: string) =>
    (await world.as(authorization, "GET", `/v2/${name}/manifests/1`)).status;

  for (const authorization of [undefined, MARKER, ann]) {
    assert.equal(await get(authorization, "team/app"), 200);
    const refusal = authorization === undefined ? 401 : 403;
    assert.equal(await get(authorization, "team/secret"), refusal);
    assert.equal(await get(authorization, "team/absent"), refusal);
    const pushed = await world.as(authorization, "POST", "/v2/team/app/blobs/uploads/");
    assert.equal(pushed.status, refusal);
  }
  const { distribution } = await world.idsOf("team/secret");
  const permissions = ["pull_containerdistribution"];
  await world.give({ user: "ann", permissions, object: distribution });
  assert.equal(await get(ann, "team/secret"), 200);
  assert.equal(await get(undefined, "team/secret"), 401);
});

test("a catalog shows what one may pull, and nothing to strangers", async (t) => {
  const world = await createAccessWorld(t, BASIC);
  for (const name of ["a/open", "a/own", "b/closed", "c/shared"]) await world.pushImage(name, "1");
  for (const name of ["a/own", "b/closed", "c/shared"]) await world.setPrivate(name, true);
  await world.addUser("ann");
  await world.addUser("bob");
  const give = { user: "ann", permissions: ["pull_containerdistribution"] };
  await world.give({ ...give, object: (await world.idsOf("a/own")).distribution });
  const permissions = ["namespace_pull_containerdistribution"];
  await world.give({ user: "ann", permissions, object: (await world.idsOf("c/shared")).namespace });
  const names = async (login: string) => {
    const answer = await world.as(basic(login), "GET", "/v2/_catalog");
    return Object(await answer.json()).repositories;
  };

  assert.deepEqual(await names(`ann:${PASSWORD}`), ["a/open", "a/own", "c/shared"]);
  assert.deepEqual(await names(`bob:${PASSWORD}`), ["a/open"]);
  assert.equal((await world.as(undefined, "GET", "/v2/_catalog")).status, 401);
  assert.equal((await world.as(MARKER, "GET", "/v2/_catalog")).status, 403);
  const statements = await world.statementsOf(() => names(`ann:${PASSWORD}`));
  const some = Array.from({ length: 20 }, (_, at) => `d/private${at}`);
  for (const name of some) {
    await world.pushImage(name, "1");
    await world.setPrivate(name, true);
  }
  const more = await world.statementsOf(() => names(`ann:${PASSWORD}`));
  // Who it is and what is held everywhere is looked at again after a few seconds.
  assert.ok(more.length <= statements.length + 3, more.join("\n"));
});

test("where strangers may come in, clients that have a password are still told to send it", async (t) => {
  const settings = { TOKEN_AUTH_DISABLED: true, REGISTRY_ANONYMOUS_PULL: true } as object;
  const world = await createAccessWorld(t, { settings });
  await world.pushImage("team/app", "1");

  const ping = await world.as(undefined, "GET", "/v2/");
  assert.deepEqual([ping.status, ping.headers.get("www-authenticate")], [200, CHALLENGE]);
  assert.equal((await world.as(MARKER, "GET", "/v2/")).status, 200);
  assert.equal((await world.as(undefined, "GET", "/v2/team/app/manifests/1")).status, 200);
  const pushed = await world.as(undefined, "POST", "/v2/team/app/blobs/uploads/");
  assert.equal(pushed.status, 401);
});

test("who makes a repository by a push owns it", async (t) => {
  const world = await createAccessWorld(t, BASIC);
  await world.addUser("ann");
  await world.addUser("bob");
  const push = async (login: string, name: string) =>
    (await world.as(basic(login), "POST", `/v2/${name}/blobs/uploads/`)).status;

  assert.equal(await push(`ann:${PASSWORD}`, "ann/app"), 202);
  assert.equal(await push(`ann:${PASSWORD}`, "ann/app"), 202);
  assert.equal(await push(`ann:${PASSWORD}`, "ann/more/deep"), 202);
  assert.equal(await push(`ann:${PASSWORD}`, "bob/app"), 403);
  assert.equal(await push(`bob:${PASSWORD}`, "ann/app"), 403);
  assert.equal(await push(`bob:${PASSWORD}`, "ann/other"), 403);
  await world.setPrivate("ann/app", true);
  const tags = async (login: string) =>
    (await world.as(basic(login), "GET", "/v2/ann/app/tags/list")).status;
  assert.equal(await tags(`ann:${PASSWORD}`), 200);
  assert.equal(await tags(`bob:${PASSWORD}`), 403);
});

test("where a password is refused, the name that a proxy has found out counts", async (t) => {
  const settings = {
    TOKEN_AUTH_DISABLED: true,
    REMOTE_USER_ENVIRON_NAME: "HTTP_REMOTE_USER",
    AUTHENTICATION_BACKENDS: ["pulpcore.app.authentication.PulpNoCreateRemoteUserBackend"],
    REST_FRAMEWORK: {
      DEFAULT_AUTHENTICATION_CLASSES: [
        "pulpcore.app.authentication.BasicAuthentication",
        "pulpcore.app.authentication.PulpRemoteUserAuthentication",
      ],
    },
  } as object;
  const world = await createAccessWorld(t, { settings });
  await world.addUser("ann");
  const push = async (authorization: string | undefined, user?: string) => {
    const headers = user === undefined ? {} : { "remote-user": user };
    const path = "/v2/ann/app/blobs/uploads/";
    return (await world.as(authorization, "POST", path, { headers })).status;
  };

  assert.equal(await push(undefined, "ann"), 202);
  assert.equal(await push(basic("ann:wrong"), "ann"), 202);
  assert.equal(await push(basic("ann:wrong")), 401);
  assert.equal(await push(undefined, "bob"), 401);
  assert.equal(await push(undefined), 401);
});
