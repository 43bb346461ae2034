import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { isOutage } from "./outage.ts";

const coded = (code: string, more = {}) => Object.assign(new Error(code), { code, ...more });

for (const error of [
  coded("08006"),
  coded("57P03"),
  coded("53300"),
  coded("25006"),
  coded("ECONNREFUSED"),
  coded("EPIPE"),
  new Error("Connection terminated unexpectedly"),
  new SuppressedError(new Error("no connection to give back"), coded("57P01")),
])
  test(`an outage: ${error.message || "suppressed"}`, () => assert.ok(isOutage(error)));

for (const error of [
  coded("23505"),
  coded("ENOENT", { syscall: "open" }),
  coded("53x"),
  "ECONNREFUSED",
  undefined,
])
  test(`no outage: ${error instanceof Error ? error.message : error}`, () =>
    assert.equal(isOutage(error), false));

test("a socket that is not there is an outage", async () => {
  const error = await new Promise((resolve) =>
    connect("/nowhere/of/deckle").once("error", resolve),
  );
  assert.ok(isOutage(error));
});
