import { test } from "node:test";
import { checkMatrix } from "./matrix.ts";

test("every operation on Python packages lets through whom the table names", (t) =>
  checkMatrix(t, {
    isWanted: ({ operation: { viewset = "" } }) => viewset.includes("/python/"),
    least: 3500,
  }));
