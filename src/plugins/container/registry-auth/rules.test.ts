import assert from "node:assert/strict";
import { test } from "node:test";
import type { Facts, Held } from "./facts.ts";
import { type Asker, isAllowed, mayPullNew } from "./rules.ts";
import type { Right } from "./scopes.ts";

const NOTHING = "";

/** `own:pull ns:push pt:pull_new ptns:add all:…` → who holds what where. */
function held(words: string, place: string, id: string): Held {
  const permissions = words
    .split(" ")
    .filter((word) => word.startsWith(`${place}:`))
    .map((word) => `container.${word.slice(place.length + 1)}_containerdistribution`);
  return { id, permissions: new Set(permissions) };
}

type State = "public" | "private" | "absent" | "no namespace";

function facts(state: State, words: string, isCached = false): Facts {
  const hasOne = state === "public" || state === "private";
  const own = held(words, "own", "d");
  const modify = words.includes("ns:modify")
    ? ["container.namespace_modify_content_containerrepository"]
    : [];
  const namespace = held(words, "ns", "n");
  return {
    domain: 1,
    distribution: hasOne ? { ...own, isPrivate: state === "private" } : null,
    repository: null,
    namespace:
      state === "no namespace"
        ? null
        : { ...namespace, permissions: new Set([...namespace.permissions, ...modify]) },
    pullThrough: isCached
      ? {
          own: held(words, "pt", "p"),
          namespace: held(words, "ptns", "q"),
          isPrivate: words.includes("private-cache"),
        }
      : null,
  };
}

function asker(words: string, username: string | null = "ann"): Asker {
  const everywhere = held(words, "all", "").permissions;
  return {
    username,
    isSuperuser: words.includes("superuser"),
    has: (permission) =>
      everywhere.has(permission) ||
      (permission === "container.add_containernamespace" && words.includes("all:add_ns")),
    hasOwnNamespace: !words.includes("elsewhere"),
    opensCaches: words.includes("open-caches"),
  };
}

/** State, who holds what, and what is allowed. */
const CASES: readonly (readonly [State, string, readonly Right[]])[] = [
  ["public", NOTHING, ["pull"]],
  ["private", NOTHING, []],
  ["absent", NOTHING, []],
  ["no namespace", NOTHING, []],
  ["private", "superuser", ["pull", "push"]],
  ["no namespace", "superuser", ["pull", "push"]],
  ["private", "own:pull", ["pull"]],
  ["private", "all:pull", ["pull"]],
  ["private", "ns:namespace_pull", ["pull"]],
  ["private", "all:namespace_pull", ["pull"]],
  ["private", "ns:pull", []],
  ["private", "own:push", ["push"]],
  ["public", "own:push", ["pull", "push"]],
  ["public", "ns:namespace_push", ["pull", "push"]],
  ["public", "ns:namespace_add", ["pull"]],
  ["absent", "ns:namespace_add", ["push"]],
  ["absent", "ns:namespace_push", []],
  ["absent", "ns:namespace_view", ["pull"]],
  ["absent", "all:push", []],
  ["no namespace", "all:add_ns", ["pull", "push"]],
  ["no namespace", "ns:namespace_add", []],
];

for (const [state, words, allowed] of CASES) {
  test(`${state}, ${words || "nothing held"}: ${allowed.join(" and ") || "nothing"}`, () => {
    for (const right of ["pull", "push"] as const) {
      const asked = { right, namespace: "team", facts: facts(state, words) };
      assert.equal(isAllowed(asker(words), asked), allowed.includes(right), right);
    }
  });
}

test("strangers pull what is public, whatever else is held", () => {
  for (const state of ["public", "private", "absent", "no namespace"] as const) {
    const asked = { namespace: "team", facts: facts(state, "own:pull ns:namespace_add", true) };
    const stranger = asker("all:pull all:add_ns", null);
    assert.equal(isAllowed(stranger, { ...asked, right: "pull" }), state === "public");
    assert.equal(isAllowed(stranger, { ...asked, right: "push" }), false);
    assert.equal(mayPullNew(stranger, asked.facts), false);
  }
});

test("a namespace that is not there is the user's whose name it has", () => {
  const asked = { right: "push", namespace: "ann", facts: facts("no namespace", "") } as const;
  assert.equal(isAllowed(asker(""), asked), true);
  assert.equal(isAllowed(asker("", "bob"), asked), false);
  assert.equal(isAllowed(asker("elsewhere"), asked), false);
  assert.equal(isAllowed(asker(""), { ...asked, facts: facts("absent", "") }), false);
});

test("in a domain that is not there nobody may do anything", () => {
  const none = { ...facts("no namespace", ""), domain: null };
  const asked = { right: "push", namespace: "ann", facts: none } as const;
  assert.equal(isAllowed(asker("all:add_ns"), asked), false);
});

test("new content of a cache is for whom its distribution or its namespace lets", () => {
  for (const words of ["pt:pull_new", "ptns:namespace_add", "all:pull_new", "all:namespace_add"]) {
    const asked = {
      right: "pull",
      namespace: "team",
      facts: facts("absent", words, true),
    } as const;
    assert.equal(isAllowed(asker(words), asked), true, words);
    assert.equal(mayPullNew(asker(words), asked.facts), true, words);
    assert.equal(mayPullNew(asker(words), facts("absent", words, false)), false, words);
  }
  assert.equal(mayPullNew(asker("ns:modify"), facts("public", "ns:modify", true)), true);
  assert.equal(mayPullNew(asker("ns:modify"), facts("absent", "ns:modify", true)), false);
  assert.equal(mayPullNew(asker(""), facts("public", "", true)), false);
  const cached = facts("private", "pt:pull_new", true);
  assert.equal(isAllowed(asker(""), { right: "pull", namespace: "team", facts: cached }), true);
  assert.equal(isAllowed(asker(""), { right: "push", namespace: "team", facts: cached }), false);
});

test("where caches are open, strangers have them fetched what is public", () => {
  const stranger = asker("open-caches", null);
  const may = (state: State, words = "") => {
    const known = facts(state, words, true);
    const asked = { right: "pull", namespace: "team", facts: known } as const;
    return [isAllowed(stranger, asked), mayPullNew(stranger, known)];
  };
  assert.deepEqual(may("absent"), [true, true]);
  assert.deepEqual(may("public"), [true, true]);
  assert.deepEqual(may("private"), [false, false]);
  assert.deepEqual(may("absent", "private-cache"), [false, false]);
  const push = { right: "push", namespace: "team", facts: facts("absent", "", true) } as const;
  assert.equal(isAllowed(stranger, push), false);
});
