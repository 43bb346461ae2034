import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { uuid7 } from "#base/uuid7.ts";
import type { TestAnswer } from "../../support/rest-api.ts";
import { type Cell, cellsOf, listedOf, outcomeOf, requestOf } from "./cells.ts";
import { createWorld, type World } from "./world.ts";

/** Which part of the matrix is asked, and how many requests that is at least. */
export interface Part {
  isWanted(cell: Cell): boolean;
  readonly least: number;
}

/** Asks every request of a part of the matrix: it lets through whom the table names, and nobody else. */
export async function checkMatrix(t: TestContext, { isWanted, least }: Part): Promise<void> {
  const world = await createWorld(t);
  const cells = cellsOf(world).filter(isWanted);
  assert.ok(cells.length >= least, `${cells.length} cells`);

  const wrong = new Map<string, string[]>();
  const telling: string[] = [];
  for (const cell of cells) {
    const answer = await answerTo(world, cell);
    const problem = problemOf(world, cell, answer);
    if (problem) group(wrong, problem).push(nameOf(cell));
    const mayTell = answer.status === 404 && isHidden(cell);
    if (mayTell && (await tells(world, cell, answer))) telling.push(nameOf(cell));
  }
  t.diagnostic(`${cells.length} cells`);
  assert.deepEqual(Object.fromEntries(wrong), {}, `${count(wrong)} of ${cells.length} are wrong`);

  assert.deepEqual(telling, [], "what is hidden answers otherwise than what is missing");
}

async function answerTo({ api, ...world }: World, cell: Cell): Promise<TestAnswer> {
  const url = cell.operation.action === "list" ? `${cell.url}?limit=1000` : cell.url;
  return api.request(cell.operation.method, url, requestOf({ api, ...world }, cell));
}

const nameOf = ({ operation, identity, place }: Cell): string =>
  `${operation.id} by ${identity}, ${place.name}`;

function problemOf(world: World, cell: Cell, answer: TestAnswer): string | undefined {
  const outcome = outcomeOf(answer);
  if (outcome !== cell.expected) return `${answer.status} instead of ${cell.expected}`;
  // Only what the world keeps from being deleted may end in an error of ours.
  if (answer.status >= 500 && cell.operation.method !== "DELETE") return `${answer.status}`;
  if (outcome !== "let through") return undefined;
  const listed = listedOf(world, cell);
  if (!listed) return undefined;
  const { shown, hidden } = listed;
  const lacking = shown.filter((href) => !answer.text.includes(href));
  const leaked = hidden.filter((href) => answer.text.includes(href));
  return lacking.length + leaked.length === 0
    ? undefined
    : `lacks ${lacking.length} and shows ${leaked.length} too many`;
}

/** It is somewhere, or its parent is. */
const isHidden = ({ place }: Cell): boolean => place.isThere || !place.hasParent;

/**
 * Whether an answer tells that there is something hidden: another status or text than where there is
 * nothing. Of what is nested, the parent is hidden.
 */
async function tells(world: World, cell: Cell, answer: TestAnswer): Promise<boolean> {
  const url = cell.url.replace(FIRST_KEY, (key) => (key.includes("-") ? uuid7() : "99998"));
  const twin = await answerTo(world, { ...cell, url });
  const textOf = (text: string, address: string) => text.replaceAll(address, "<address>");
  return twin.status !== answer.status || textOf(twin.text, url) !== textOf(answer.text, cell.url);
}

const FIRST_KEY = /(?<=\/)([0-9a-f]{8}-[-0-9a-f]{27}|\d+)(?=\/)/;

function group(groups: Map<string, string[]>, key: string): string[] {
  const known = groups.get(key) ?? [];
  groups.set(key, known);
  return known;
}

const count = (groups: ReadonlyMap<string, readonly string[]>): number =>
  [...groups.values()].reduce((sum, { length }) => sum + length, 0);
