import assert from "node:assert/strict";
import { formOf, type TestApi } from "../../support/rest-api.ts";
import { endedTask } from "../../support/run-tasks.ts";
import { sdist } from "../python/distributions.ts";
import { below, make } from "./support.ts";

/** A repository with releases, each in a version of its own; returns its href. */
export async function makePythonRepository(
  api: TestApi,
  domain: string,
  { name = "r", releases }: { readonly name?: string; readonly releases: readonly string[] },
): Promise<string> {
  const repository = await make(api, below(domain, "repositories/python/python/"), { name });
  for (const release of releases) {
    const [project = "", version = ""] = release.split("==");
    const { bytes, filename } = sdist({ name: project, version });
    const form = formOf({ repository, relative_path: filename }, [
      { name: "file", bytes, filename },
    ]);
    const url = below(domain, "content/python/packages/");
    const task = await endedTask(api, await api.request("POST", url, form));
    assert.equal(task.state, "completed", JSON.stringify(task.error));
  }
  return repository;
}
