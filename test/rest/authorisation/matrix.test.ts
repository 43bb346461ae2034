import { test } from "node:test";
import { checkMatrix } from "./matrix.ts";

const isPython = /\/python\//;

test("every operation lets through whom the table names, and nobody else", (t) =>
  checkMatrix(t, {
    isWanted: ({ operation: { viewset = "" } }) => !isPython.test(viewset),
    least: 10_000,
  }));
