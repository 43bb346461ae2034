import assert from "node:assert/strict";
import { test } from "node:test";
import { bufferSource } from "#plugins/python/format/archive/byte-source.ts";
import { readDistribution } from "#plugins/python/format/archive/read-distribution.ts";
import { Malformed } from "#plugins/python/format/malformed.ts";
import { createRandom } from "../../tools/chaos/random.ts";
import { CORPUS, type Sample } from "../../tools/fuzz-archives/corpus.ts";
import { mutated } from "../../tools/fuzz-archives/mutate.ts";

const read = ({ filename, bytes, pack }: Sample) =>
  readDistribution(bufferSource(pack?.(bytes) ?? bytes), filename);

test("every sample is read before it is changed", async () => {
  for (const sample of CORPUS) assert.equal((await read(sample)).metadata.name, "foo");
});

test("changed samples are read or refused, the same ones for the same seed", async () => {
  let refused = 0;
  for (let seed = 0; seed < 500; seed += 1) {
    const sample = mutated(createRandom(seed));
    assert.deepEqual(mutated(createRandom(seed)).bytes, sample.bytes);
    const outcome = await read(sample).catch((error: unknown) => error);
    if (outcome instanceof Malformed) refused += 1;
    else assert.ok(!(outcome instanceof Error), `seed ${seed}: ${outcome}`);
  }
  assert.ok(refused > 250 && refused < 500);
});
