import { type Api, createApi } from "../../test/support/api.ts";
import { loop } from "../load.ts";
import type { Bench, Scenario, Side } from "../scenario.ts";
import { seedFiles } from "../seed/files.ts";

/** P17: one unit in or out costs the same whatever the repository holds. */
export const scenario: Scenario = { title: "modify ±1 unit at 1 000 and 1 000 000 units", run };

async function run(bench: Bench): Promise<void> {
  const api = createApi(bench.server);
  const unit = await upload(api);
  const [large, small] = [
    await modifying(bench, { api, unit, size: 1_000_000 }),
    await modifying(bench, { api, unit, size: 1000 }),
  ];
  await bench.pair({
    name: "modify ±1 at 1 000 000 units, against 1 000",
    ours: large,
    theirs: small,
    goals: [
      { measure: "slowdown", bound: 1.3, source: "P17" },
      { measure: "cpu", bound: 1 / 1.3, source: "P17" },
    ],
  });
}

interface Modified {
  readonly api: Api;
  readonly unit: string;
  readonly size: number;
}

async function modifying(bench: Bench, { api, unit, size }: Modified): Promise<Side> {
  bench.say(`  seeding ${size} units`);
  const { pulp_href } = await api.post("repositories/file/file/", { name: `modify-${size}` });
  await seedFiles(bench.databaseUrl, pulp_href, size);
  let isMember = false;
  const step = async () => {
    const change = isMember ? "remove_content_units" : "add_content_units";
    await api.done(await api.post(`${pulp_href}modify/`, { [change]: [unit] }));
    isMember = !isMember;
  };
  return {
    name: `${size} units`,
    pids: () => bench.pids(),
    load: (seconds) => loop(step, seconds),
  };
}

async function upload(api: Api): Promise<string> {
  const body = new FormData();
  body.append("relative_path", "the one");
  body.append("file", new Blob(["content of the one"]), "one");
  const task = await api.done(await api.post("content/file/files/", body));
  return task.created_resources[0];
}
