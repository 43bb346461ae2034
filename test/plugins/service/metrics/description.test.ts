import assert from "node:assert/strict";
import { test } from "node:test";
import { CLASSES, createService } from "../support.ts";

test("the description tells reports, their parameters and that they come as CSV", async (t) => {
  const api = await createService(t, { classes: [CLASSES.basic] });
  const { body, text, status } = await api.get("/pulp/api/v3/docs/api.json?component=service");
  assert.equal(status, 200, text.slice(0, 200));
  const [path = ""] = Object.keys(body.paths).filter((one) => one.endsWith("top_users/"));
  const { parameters, responses } = body.paths[path].get;
  const names = parameters.map(({ name }: { name: string }) => name);
  for (const name of ["from", "to", "interval", "limit", "all_domains", "format"]) {
    assert.ok(names.includes(name), name);
  }
  assert.deepEqual(Object.keys(responses[200].content), ["application/json", "text/csv"]);
  const [push = ""] = Object.keys(body.paths).filter((one) => one.endsWith("}push/"));
  assert.ok(body.paths[push].post.requestBody.content["multipart/form-data"]);
});
