import { type S3Server, startS3 } from "../../test/clients/support/s3-server.ts";
import { createApi } from "../../test/support/api.ts";
import { processTree } from "../../test/support/process-tree.ts";
import { startServer } from "../../test/support/server.ts";
import { startDatabase } from "../database.ts";
import { wrk } from "../load.ts";
import type { Bench, Scenario } from "../scenario.ts";

/** Service §16: a redirect to a signed address at the object store, warm, against a small file. */
export const scenario: Scenario = { title: "redirects to the object store", run };

async function run(bench: Bench): Promise<void> {
  const store = bench.stack.use(await startS3());
  const database = bench.stack.use(await startDatabase());
  const server = bench.stack.use(
    await startServer({
      env: {
        ...{ PULP_LOG_LEVEL: "warn", DATABASE_URL: database.url },
        PULP_STORAGES__default__BACKEND: "storages.backends.s3.S3Storage",
        ...(await optionsOf(store)),
        PULP_REDIRECT_TO_OBJECT_STORAGE: "true",
      },
    }),
  );
  const api = createApi(server);
  const { pulp_href: repository } = await api.post("repositories/file/file/", { name: "files" });
  const form = new FormData();
  form.set("relative_path", "f");
  form.set("repository", repository);
  form.set("file", new Blob(["a file"]));
  await api.done(await api.post("content/file/files/", form));
  await api.done(await api.post("publications/file/file/", { repository }));
  const distribution = { name: "d", base_path: "d", repository };
  await api.done(await api.post("distributions/file/file/", distribution));
  const url = `${server.contentUrl}/pulp/content/d/f`;
  const { status, headers } = await fetch(url, { redirect: "manual" });
  if (status !== 302 || !headers.get("location")?.startsWith(store.url))
    throw new Error(`The file answered ${status}, ${headers.get("location")}`);
  const side = (address: string, name: string) => ({
    name,
    pids: async () => [...(await server.pids()), ...(await processTree(database.pid))],
    load: (seconds: number) => wrk({ url: address, connections: 32 }, seconds),
  });
  await bench.pair({
    name: "redirect to the store, against one that adds a slash",
    ours: side(url, "signed address"),
    theirs: side(`${server.contentUrl}/pulp/content/d`, "slash"),
    goals: [{ measure: "cpuMs", bound: 0.1, source: "service: redirects, CPU per request" }],
  });
}

async function optionsOf(store: S3Server): Promise<Record<string, string>> {
  const options = Object.entries(await store.bucket());
  return Object.fromEntries(
    options.map(([name, value]) => [`PULP_STORAGES__default__OPTIONS__${name}`, value]),
  );
}
