import { test } from "node:test";
import { checkOrganisations } from "./organisation-cells.ts";

test("domains of a group, of the public and of readers: nobody passes whom the table refuses", (t) =>
  checkOrganisations(t, ["a-two", "public-b", "lightwell"]));
