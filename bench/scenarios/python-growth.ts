import { createApi } from "../../test/support/api.ts";
import { wrk } from "../load.ts";
import { INSTALLER } from "../rivals/python-indexes.ts";
import type { Bench, Goal, Scenario, Side } from "../scenario.ts";
import { seedPackages } from "../seed/packages.ts";

/** H7: what the page of a project costs, in a small repository and in a large one. */
export const scenario: Scenario = {
  title: "pages of a Python index, small and large",
  run: (bench) =>
    growth(bench, { measure: "cpuMs", bound: 0.19, source: "H7: page of 1,000 files" }),
};

const FILES = 1000;
const OTHERS = { small: 0, large: 99_000 } as const;
const TYPES = {
  HTML: "text/html",
  JSON: "application/vnd.pypi.simple.v1+json",
} as const;

/** Of CPU: how long an answer takes says on a busy machine more about the machine. */
const GROWTH: Goal = { measure: "cpu", bound: 1 / 1.1, source: "growth law" };
/** So many short pairs that the median of their ratios is known to a few per cent. */
const PAIRS = 21;
const SECONDS = 2;

/** The page of one project among many others, against that of one among few. */
export async function growth(bench: Bench, ...goals: readonly Goal[]): Promise<void> {
  const small = await newIndex(bench, "small");
  const large = await newIndex(bench, "large");
  for (const [name, accept] of Object.entries(TYPES)) {
    const side = (who: string, url: string): Side => ({
      name: who,
      pids: () => bench.pids(),
      load: (seconds) => wrk({ url, headers: { ...INSTALLER, accept }, connections: 64 }, seconds),
    });
    await bench.pair({
      name: `${name} page of ${FILES} files among ${FILES + OTHERS.large}, against ${FILES}`,
      ours: side("large", large),
      theirs: side("small", small),
      goals: [...goals, GROWTH],
      pairs: PAIRS,
      seconds: SECONDS,
    });
  }
}

/** Address of the page. */
async function newIndex(bench: Bench, name: keyof typeof OTHERS): Promise<string> {
  const api = createApi(bench.server);
  const repository = await api.post("repositories/python/python/", { name });
  await seedPackages(bench.databaseUrl, repository.pulp_href, [
    { prefix: `big-${name}`, projects: 1, files: FILES },
    { prefix: `other-${name}`, projects: OTHERS[name] / 9, files: 9 },
  ]);
  const { pulp_href } = repository;
  await api.done(
    await api.post("distributions/python/pypi/", { name, base_path: name, repository: pulp_href }),
  );
  return `${bench.server.apiUrl}/pypi/${name}/simple/big-${name}/`;
}
