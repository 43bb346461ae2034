import assert from "node:assert/strict";
import { test } from "node:test";
import { mayHaveCredentials, readChallenges, tokenQuestion, tokenUrl } from "./challenge.ts";
import { nextPage } from "./link.ts";
import { scopeOf, upstreamUrl } from "./names.ts";

test("several challenges of one header are told apart", () => {
  const header =
    'Bearer realm="https://auth.example/token",service="registry, one",scope="repository:a/b:pull", Basic realm=api';
  assert.deepEqual(readChallenges(header), [
    {
      scheme: "bearer",
      parameters: {
        realm: "https://auth.example/token",
        service: "registry, one",
        scope: "repository:a/b:pull",
      },
    },
    { scheme: "basic", parameters: { realm: "api" } },
  ]);
});

test("names and schemes are of any case, and quotes may be escaped", () => {
  assert.deepEqual(readChallenges('BEARER Realm="a\\"b"'), [
    { scheme: "bearer", parameters: { realm: 'a"b' } },
  ]);
});

test("nonsense gives no challenge and takes no time", () => {
  assert.deepEqual(readChallenges(""), []);
  assert.deepEqual(readChallenges("=,=,="), []);
  readChallenges(`Bearer realm="${"\\".repeat(8000)}`);
});

test("a realm may be relative, and the scope is that of the request if none is named", () => {
  const question = tokenQuestion(readChallenges('Bearer realm="/token/",service="s"'), {
    url: "https://r.example/v2/a/tags/list",
    scope: "repository:a:pull",
  });
  assert.deepEqual(question, {
    realm: "https://r.example/token/",
    service: "s",
    scope: "repository:a:pull",
  });
  assert.equal(
    question && tokenUrl(question),
    "https://r.example/token/?service=s&scope=repository%3Aa%3Apull",
  );
});

test("a password goes to no plain token server of an encrypted registry", () => {
  assert.equal(mayHaveCredentials("https://r.example", "http://auth.example/token"), false);
  assert.equal(mayHaveCredentials("https://r.example", "https://auth.example/token"), true);
  assert.equal(mayHaveCredentials("http://r.example", "http://r.example/token"), true);
});

test("Docker Hub keeps images without a slash below library/", () => {
  const hub = "https://registry-1.docker.io";
  assert.equal(
    upstreamUrl({ url: hub, name: "busybox" }, "manifests", "latest"),
    `${hub}/v2/library/busybox/manifests/latest`,
  );
  assert.equal(
    upstreamUrl({ url: "https://quay.io/", name: "busybox" }, "tags", "list"),
    "https://quay.io/v2/busybox/tags/list",
  );
  assert.equal(scopeOf(`${hub}/v2/a/b/manifests/latest`), "repository:a/b:pull");
  assert.equal(scopeOf(`${hub}/v2/`), "");
});

test("the next page is absolute or relative, and never of another server", () => {
  const url = "https://r.example/v2/a/tags/list";
  const cases: readonly (readonly [string | undefined, string | undefined])[] = [
    [undefined, undefined],
    ['</v2/a/tags/list?last=b&n=2>; rel="next"', `${url}?last=b&n=2`],
    [`<${url}?last=c>; rel=next`, `${url}?last=c`],
    ['<list?last=d>; a=b; rel="next"', `${url}?last=d`],
    ['<x>; rel="prev", <list?last=e>; rel="next"', `${url}?last=e`],
    ['<https://evil.example/v2/>; rel="next"', undefined],
    ['<x>; rel="prev"', undefined],
  ];
  for (const [header, next] of cases) assert.equal(nextPage(header, url), next, header);
});
