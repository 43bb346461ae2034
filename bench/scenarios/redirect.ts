import { createApi } from "../../test/support/api.ts";
import { type HttpLoad, wrk } from "../load.ts";
import type { Bench, Scenario, Side } from "../scenario.ts";

/** Requests of the content app that end in a redirect: a directory without its slash. */
export const scenario: Scenario = { title: "redirects of the content app", run };

/** Directories that are asked for in turn. */
const PATHS = 100;

async function run(bench: Bench): Promise<void> {
  await publish(bench);
  const below = Array.from({ length: PATHS }, (_, n) => `/pulp/content/redirect/dir${n}`);
  const cases = [
    { name: "of a distribution", paths: ["/pulp/content/redirect"] },
    { name: "of directories below it", paths: below },
    { name: "above distributions", paths: ["/pulp/content"] },
  ];
  const file = side(bench, { paths: ["/pulp/content/redirect/dir0/f"] }, "a file");
  for (const { name, paths } of cases) {
    const location = await locationOf(bench, paths[0] ?? "");
    if (!location?.endsWith("/")) throw new Error(`${paths[0]} leads to ${location}`);
    await bench.pair({
      name: `redirect ${name}, against a file of some bytes`,
      ours: side(bench, { paths }, name),
      theirs: file,
      goals: [{ measure: "cpuMs", bound: 0.1, source: "redirect: CPU per request" }],
    });
  }
}

async function locationOf({ server }: Bench, path: string): Promise<string | null> {
  const answer = await fetch(server.contentUrl + path, { redirect: "manual" });
  return answer.headers.get("location");
}

function side(bench: Bench, { paths }: Required<Pick<HttpLoad, "paths">>, name: string): Side {
  const load = { url: bench.server.contentUrl, paths, connections: 32 };
  return { name, pids: () => bench.pids(), load: (seconds) => wrk(load, seconds) };
}

async function publish({ server }: Bench): Promise<void> {
  const api = createApi(server);
  const { pulp_href } = await api.post("repositories/file/file/", { name: "redirect" });
  const units: string[] = [];
  for (let n = 0; n < PATHS; n += 1) {
    const form = new FormData();
    form.set("relative_path", `dir${n}/f`);
    form.set("file", new Blob([`file ${n}`]));
    const made = await api.done(await api.post("content/file/files/", form));
    units.push(made.created_resources[0]);
  }
  await api.done(await api.post(`${pulp_href}modify/`, { add_content_units: units }));
  await api.done(await api.post("publications/file/file/", { repository: pulp_href }));
  const json = { name: "redirect", base_path: "redirect", repository: pulp_href };
  await api.done(await api.post("distributions/file/file/", json));
}
