import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createRemote, openRemote } from "#core/remotes/commands.ts";
import type { RemoteColumns } from "#core/remotes/types.ts";
import { container } from "#plugins/container/plugin.ts";
import { allTags } from "#plugins/container/upstream/tag-list.ts";
import { createContext } from "../../support/context.ts";
import { type Answer, answer, createUpstream } from "../../support/upstream.ts";

const LIST = "/v2/a/b/tags/list";
const tags = (...names: readonly string[]): Answer => json({ name: "a/b", tags: names });
const json = (value: unknown, headers: Readonly<Record<string, string>> = {}): Answer =>
  answer.file(JSON.stringify(value), { "content-type": "application/json", ...headers });

/** Wants what `wanted` says before it answers. */
const guarded =
  (wanted: string, challenge: string, then: Answer): Answer =>
  (request, response) =>
    request.headers.authorization === wanted
      ? then(request, response)
      : answer.status(401, { "www-authenticate": challenge })(request, response);

async function createWorld(t: TestContext, values: RemoteColumns = {}) {
  const context = await createContext(t, { plugins: [container] });
  const upstream = await createUpstream(t);
  const { ctx, domain } = context;
  const open = async (more: RemoteColumns = {}) => {
    const id = await createRemote(ctx, {
      domain,
      type: "container.container",
      values: { name: `r ${Math.random()}`, url: upstream.url, max_retries: 0, ...values, ...more },
    });
    const remote = await openRemote(ctx, domain, id);
    t.after(() => remote[Symbol.asyncDispose]());
    return remote;
  };
  const list = (remote: Awaited<ReturnType<typeof open>>) =>
    allTags(remote, { url: remote.url, name: "a/b" }, AbortSignal.timeout(20_000));
  return { upstream, open, list };
}

const LOGIN = { username: "ann", password: "s3cret" };
const BASIC = `Basic ${Buffer.from("ann:s3cret").toString("base64")}`;

test("a token is asked for once per remote and scope, with the password of the remote", async (t) => {
  const { upstream, open, list } = await createWorld(t, LOGIN);
  const challenge = `Bearer realm="${upstream.url}/token",service="reg",scope="repository:a/b:pull"`;
  upstream.on(LIST, guarded("Bearer t1", challenge, tags("1", "2")));
  const question = "/token?service=reg&scope=repository%3Aa%2Fb%3Apull";
  upstream.on(question, json({ access_token: "t1", expires_in: 300 }));
  const remote = await open();

  const lists = await Promise.all([list(remote), list(remote), list(remote)]);
  await list(remote);

  assert.deepEqual(lists, [
    ["1", "2"],
    ["1", "2"],
    ["1", "2"],
  ]);
  assert.equal(upstream.asked(question).length, 1);
  assert.equal(upstream.asked(question)[0]?.headers.authorization, BASIC);
  assert.equal(upstream.asked(LIST)[0]?.headers.authorization, undefined);
  assert.equal(upstream.asked(LIST).at(-1)?.headers.authorization, "Bearer t1");
  await list(await open({ password: "other" }));
  assert.equal(upstream.asked(question).length, 2, "another remote has tokens of its own");
});

test("a token that the registry takes no more is asked for anew", async (t) => {
  const { upstream, open, list } = await createWorld(t);
  const challenge = `Bearer realm="/token"`;
  upstream.on(LIST, guarded("Bearer t1", challenge, tags("1")));
  upstream.on(
    "/token?scope=repository%3Aa%2Fb%3Apull",
    answer.inTurn(json({ token: "t1" }), json({ token: "t2" })),
  );
  const remote = await open();
  await list(remote);
  upstream.on(LIST, guarded("Bearer t2", challenge, tags("2")));
  assert.deepEqual(await list(remote), ["2"]);
});

test("the password is sent to a registry that asks for it, and only then", async (t) => {
  const { upstream, open, list } = await createWorld(t, LOGIN);
  upstream.on(LIST, guarded(BASIC, 'Basic realm="api"', tags("1")));
  assert.deepEqual(await list(await open()), ["1"]);
  assert.deepEqual(
    upstream.asked(LIST).map(({ headers }) => headers.authorization),
    [undefined, BASIC],
  );
});

test("neither token nor password follow a redirect to another server", async (t) => {
  const { upstream, open, list } = await createWorld(t, LOGIN);
  const other = await createUpstream(t);
  const challenge = `Bearer realm="${upstream.url}/token"`;
  upstream.on("/token?scope=repository%3Aa%2Fb%3Apull", json({ token: "t1" }));
  upstream.on(LIST, guarded("Bearer t1", challenge, answer.redirect(`${other.url}/else`)));
  other.on("/else", answer.status(401, { "www-authenticate": `Basic realm="x"` }));
  await assert.rejects(list(await open()), /401/);
  assert.equal(other.requests.length, 1);
  assert.equal(other.requests[0]?.headers.authorization, undefined);
});

test("pages are followed, null is an empty list, and what is no tag is left out", async (t) => {
  const { upstream, open, list } = await createWorld(t);
  const remote = await open();
  upstream.on(LIST, json({ tags: ["a", "b"] }, { link: `<${LIST}?last=b>; rel="next"` }));
  upstream.on(
    `${LIST}?last=b`,
    json({ tags: ["b", "c", "../x", 7, ""] }, { link: `<${upstream.url}${LIST}>; rel="next"` }),
  );
  assert.deepEqual(await list(remote), ["a", "b", "c"]);
  upstream.on(LIST, json({ name: "a/b", tags: null }));
  assert.deepEqual(await list(remote), []);
});

test("broken lists and refused tokens are told apart", async (t) => {
  const { upstream, open, list } = await createWorld(t);
  const remote = await open();
  upstream.on(LIST, answer.status(404));
  await assert.rejects(list(remote), /404/);
  upstream.on(LIST, answer.file('{"tags": ["a",'));
  await assert.rejects(list(remote), /ends too early/);
  upstream.on(LIST, answer.file("<html>, here"));
  await assert.rejects(list(remote), /no JSON object/);
  upstream.on(LIST, answer.endless());
  await assert.rejects(list(remote), /too long/);
  upstream.on(LIST, answer.status(401, { "www-authenticate": `Bearer realm="/token"` }));
  const question = "/token?scope=repository%3Aa%2Fb%3Apull";
  upstream.on(question, answer.status(403));
  await assert.rejects(list(remote), /403/);
  upstream.on(question, json({ token: "a\nb" }));
  await assert.rejects(list(remote), /no token/);
  upstream.on(question, answer.endless());
  await assert.rejects(list(remote), /more than/);
  upstream.on(question, json({ token: "t1" }));
  await assert.rejects(list(remote), /401/);
});

test("an upstream that is overloaded is asked again after the time that it says", async (t) => {
  const { upstream, open, list } = await createWorld(t);
  const remote = await open({ max_retries: 2 });
  upstream.on(LIST, answer.inTurn(answer.status(429, { "retry-after": "1" }), tags("1")));
  const begun = Date.now();
  assert.deepEqual(await list(remote), ["1"]);
  assert.ok(Date.now() - begun >= 900);
});
