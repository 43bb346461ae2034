import type { Scenario } from "../scenario.ts";
import { growth } from "./python-growth.ts";

/** H7: the same where no page is kept, so that each is made of its rows. */
export const scenario: Scenario = {
  title: "pages of a Python index that are made anew, small and large",
  env: { PULP_PYTHON_INDEX_CACHE_BYTES: "0" },
  run: (bench) => growth(bench),
};
