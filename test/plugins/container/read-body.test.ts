import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ClientLeft, readBody } from "#plugins/container/registry/uploads/body.ts";

/** A body that the test sends, and a writer that takes a piece when the test says so. */
function createWorld() {
  const body = new Readable({ read: () => undefined });
  const taken: string[] = [];
  const { promise: mayGoOn, resolve: goOn, reject: breakOff } = Promise.withResolvers<void>();
  let state = "reads";
  const read = readBody(body, (bytes) => {
    taken.push(bytes.toString());
    return taken.length === 2 ? mayGoOn : undefined;
  });
  read.then(
    () => {
      state = "has read";
    },
    () => {
      state = "has failed";
    },
  );
  const send = async (...pieces: readonly (string | null)[]) => {
    for (const piece of pieces) body.push(piece);
    await turn();
    await turn();
  };
  return { body, read, taken, goOn, breakOff, send, state: () => state };
}

test("a body is read when its last piece is taken, though its end came before", async () => {
  const { body, read, taken, goOn, send, state } = createWorld();
  await send("one");
  await send("two");
  await send(null);
  body.read(0);
  await turn();

  assert.equal(state(), "reads");
  goOn();
  assert.equal(await read, 6);
  assert.deepEqual(taken, ["one", "two"]);
});

test("pieces wait for the one before them, and are not lost", async () => {
  const { read, taken, goOn, send } = createWorld();
  await send("one");
  await send("two");
  await send("three", "four");
  assert.deepEqual(taken, ["one", "two"]);

  goOn();
  await send(null);
  assert.equal(await read, 15);
  assert.equal(taken.join(""), "onetwothreefour");
});

test("a client that leaves is told of when what it sent is taken", async () => {
  const { body, read, goOn, send, state } = createWorld();
  await send("one");
  await send("two");
  body.destroy(new Error("reset"));
  await turn();

  assert.equal(state(), "reads");
  goOn();
  await assert.rejects(read, ClientLeft);
});

test("a piece that cannot be taken ends the reading, and so does a client that left before", async () => {
  const { body, read, breakOff, send } = createWorld();
  await send("one");
  await send("two");
  breakOff(new Error("the disk is full"));
  await assert.rejects(read, /the disk is full/);
  assert.equal(body.isPaused(), true);

  body.destroy();
  await turn();
  await assert.rejects(
    readBody(body, () => undefined),
    ClientLeft,
  );
});
