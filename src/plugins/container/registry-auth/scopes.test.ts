import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { test } from "node:test";
import { bearerChallenge, neededScopes } from "./challenge.ts";
import { keyId } from "./key-id.ts";
import { actionsOf, parsedScopes, rightFor } from "./scopes.ts";

const words = (values: readonly string[]): readonly string[] =>
  parsedScopes(values).map(({ type, name, actions }) => `${type}:${name}:${actions.join(",")}`);

test("scopes come one by one and with spaces between them, and the same name once", () => {
  assert.deepEqual(words(["repository:a/b:pull", "repository:c:push repository:a/b:push,pull"]), [
    "repository:a/b:pull,push",
    "repository:c:push",
  ]);
  assert.deepEqual(words(["registry:catalog:*", "repository:a:"]), [
    "registry:catalog:*",
    "repository:a:",
  ]);
});

test("what is no scope is passed over, and nothing else with it", () => {
  const bad = [
    "",
    "a",
    "a:b",
    "a:b:c:d",
    ":b:pull",
    "repository::pull",
    `repository:${"x".repeat(600)}:pull`,
  ];
  assert.deepEqual(words([...bad, "repository:good:pull"]), ["repository:good:pull"]);
  assert.equal(words(Array.from({ length: 500 }, (_, at) => `repository:n${at}:pull`)).length, 100);
});

test("whoever may change may read, and actions that nobody knows give nothing", () => {
  const given = (...actions: string[]) => actionsOf(rightFor(actions));
  assert.deepEqual(given("pull"), ["pull"]);
  for (const action of ["push", "delete", "*"]) assert.deepEqual(given(action), ["pull", "push"]);
  assert.deepEqual(given("pull", "push"), ["pull", "push"]);
  assert.deepEqual(given("admin"), []);
  assert.deepEqual(given(), []);
});

test("a challenge has one scope attribute, without commas, and nothing that breaks out of it", () => {
  const service = { realm: "https://r.example.org/token/", service: 'r.example.org"x' };
  const mount = neededScopes("a/b", { right: "push", from: "c" });
  assert.equal(
    bearerChallenge(service, mount, "insufficient_scope"),
    'Bearer realm="https://r.example.org/token/",service="r.example.orgx",' +
      'scope="repository:a/b:push repository:c:pull",error="insufficient_scope"',
  );
  assert.doesNotMatch(bearerChallenge(service, neededScopes('a"b', { right: "pull" })), /scope=/);
  assert.doesNotMatch(
    bearerChallenge(service, neededScopes("a\r\nb", { right: "pull" })),
    /[\r\n]/,
  );
});

test("keys are named in the way of libtrust", () => {
  const key = createPublicKey({
    key: {
      ...{ kty: "EC", crv: "P-256" },
      x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
      y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    },
    format: "jwk",
  });
  assert.match(keyId(key), /^(?:[A-Z2-7]{4}:){11}[A-Z2-7]{4}$/);
  assert.equal(keyId(key), "GJRG:IMLC:MIYG:GNBU:ME4D:SN3D:GMYG:CN3B:MEYD:SOJR:MNSG:KMZY");
});
