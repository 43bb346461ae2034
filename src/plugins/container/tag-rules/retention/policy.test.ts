import assert from "node:assert/strict";
import { test } from "node:test";
import { createSieve, PolicyProblem, retentionPolicyOf, type TagFacts } from "./policy.ts";

const NOW = Date.UTC(2026, 5, 1);
const ago = (days: number) => NOW - days * 86_400_000;
const tag = (name: string, added: number, pulled?: number): TagFacts => ({
  name,
  addedMs: ago(added),
  pulledMs: pulled === undefined ? null : ago(pulled),
});

/** Names of the tags that go, of a list that begins with the newest. */
function gone(policy: object, tags: readonly TagFacts[], kept: readonly string[] = []): string[] {
  const isKept = (name: string) => kept.includes(name);
  const sieve = createSieve(retentionPolicyOf(policy), { nowMs: NOW, isKept });
  return tags.filter((one) => sieve(one) !== undefined).map(({ name }) => name);
}

test("the newest of those that match stay, whatever else is there", () => {
  const tags = [tag("main", 0), tag("b3", 1), tag("b2", 2), tag("x", 3), tag("b1", 4)];

  assert.deepEqual(gone({ rules: [{ tags: ["b*"], keep_newest: 2 }] }, tags), ["b1"]);
  assert.deepEqual(gone({ rules: [{ tags: ["b*"], keep_newest: 0 }] }, tags), ["b3", "b2", "b1"]);
  const kept = gone({ rules: [{ tags: ["b*"], keep_newest: 1 }] }, tags, ["b3"]);
  assert.deepEqual(kept, ["b1"], "one that is kept anyway does not count");
});

test("every condition of a rule has to hold, and any rule is enough", () => {
  const tags = [tag("a", 5, 1), tag("b", 20, 1), tag("c", 30), tag("d", 40, 25)];

  assert.deepEqual(gone({ rules: [{ tags: ["*"], older_than_days: 20 }] }, tags), ["b", "c", "d"]);
  assert.deepEqual(gone({ rules: [{ tags: ["*"], not_pulled_for_days: 25 }] }, tags), ["c", "d"]);
  const both = { tags: ["*"], older_than_days: 35, not_pulled_for_days: 25 };
  assert.deepEqual(gone({ rules: [both] }, tags), ["d"]);
  const either = [both, { tags: ["b"], keep_newest: 0 }];
  assert.deepEqual(gone({ rules: either }, tags), ["b", "d"]);
});

test("a reason names the rule and all that it asks", () => {
  const policy = retentionPolicyOf({
    rules: [
      { tags: ["z"], keep_newest: 0 },
      { tags: ["a"], keep_newest: 0, older_than_days: 7, not_pulled_for_days: 3 },
    ],
  });

  const sieve = createSieve(policy, { nowMs: NOW, isKept: () => false });

  assert.equal(
    sieve(tag("a", 9)),
    "rule 2: not among the newest 0, at least 7 days old, not pulled for 3 days",
  );
});

test("companions of images are nobody's to judge", () => {
  const companion = `sha256-${"a".repeat(64)}.sig`;

  const going = gone({ rules: [{ tags: ["*"], keep_newest: 0 }] }, [
    tag(companion, 9),
    tag("a", 9),
  ]);

  assert.deepEqual(going, ["a"]);
});

test("what cannot be meant is refused in a sentence", () => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [null, /has to be an object/],
    [[], /has to be an object/],
    [{}, /needs rules/],
    [{ rules: [] }, /needs rules/],
    [{ rules: "x" }, /has to be a list/],
    [{ rules: [{}] }, /Rule 1 needs tags/],
    [{ rules: [{ tags: ["*"] }] }, /Rule 1 needs one of keep_newest/],
    [{ rules: [{ tags: ["*"], keep_newest: -1 }] }, /keep_newest has to be a whole number/],
    [{ rules: [{ tags: ["*"], older_than_days: 1.5 }] }, /older_than_days/],
    [{ rules: [{ tags: ["*"], older_than_days: "7" }] }, /older_than_days/],
    [{ rules: [{ tags: ["*"], keepNewest: 1 }] }, /knows no keepNewest/],
    [{ rules: [{ tags: [""], keep_newest: 1 }] }, /list of at most/],
    [{ rules: Array(51).fill({ tags: ["*"], keep_newest: 1 }) }, /50 rules/],
    [{ untagged_older_than_days: 0 }, /untagged_older_than_days .* from 1/],
    [{ rules: [{ tags: ["a\u0000"], keep_newest: 1 }] }, /patterns of tags/],
    [{ keep: ["\ud800"], untagged_older_than_days: 1 }, /patterns of tags/],
    [{ keep: [1], untagged_older_than_days: 1 }, /keep has to be a list/],
  ];
  for (const [policy, text] of wrong)
    assert.throws(
      () => retentionPolicyOf(policy),
      (error) => error instanceof PolicyProblem && text.test(error.message),
      JSON.stringify(policy),
    );
});
