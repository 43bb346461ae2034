import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cell, cellsOf } from "./cells.ts";
import { OTHERS, VIEWSETS } from "./expectations.ts";
import { credentials } from "./identities.ts";
import { createWorld } from "./world.ts";

test("HEAD answers as GET does, to everybody and without a body", async (t) => {
  const world = await createWorld(t);
  const reads = cellsOf(world).filter(({ operation }) => operation.method === "GET");
  assert.ok(reads.length > 3000, `${reads.length} reads`);
  const wrong: string[] = [];
  for (const { url, identity, expected, place } of reads) {
    const { status, text } = await world.api.request("HEAD", url, { user: credentials(identity) });
    const wanted = expected === "let through" ? [200] : [Number(expected)];
    if (!wanted.includes(status) || text !== "")
      wrong.push(`${url} by ${identity} (${place.name}): ${status} instead of ${expected}`);
  }
  assert.deepEqual(wrong, []);
});

/** The policy of log-ins allows everything, whatever it is called. */
const EVERYTHING = ["login", "login_read", "login_update", "logout"];

/**
 * No policy names the action behind OPTIONS, so that it is refused to administrators too wherever
 * there is a policy but one for everything (core-rest §1.2).
 */
const optionsOf = ({ operation: { viewset, id, rule }, identity }: Cell): number => {
  if (rule === "public") return 200;
  if (identity === "anonymous") return 401;
  if (EVERYTHING.includes(id)) return 200;
  const rules =
    viewset === undefined ? [OTHERS[id]] : Object.values(VIEWSETS[viewset]?.rules ?? {});
  const isAdminOnly = rules.every((one) => one === "admin");
  return isAdminOnly && identity === "admin" ? 200 : 403;
};

test("OPTIONS is refused wherever a policy does not speak of it", async (t) => {
  const world = await createWorld(t);
  const cells = new Map(cellsOf(world).map((cell) => [`${cell.url} ${cell.identity}`, cell]));
  const wrong: string[] = [];
  for (const cell of cells.values()) {
    const { url, identity } = cell;
    const { status } = await world.api.request("OPTIONS", url, { user: credentials(identity) });
    if (status !== optionsOf(cell)) wrong.push(`${url} by ${identity}: ${status}`);
  }
  assert.ok(cells.size > 3000, `${cells.size} addresses`);
  assert.deepEqual(wrong, []);
});
