import { type Dashboard, logPanel } from "./panels.ts";
import { parameter } from "./yaml.ts";

/** Fields of a line of the API in the hosted service (service §13). */
const LINE =
  'parse @message /user:(?<user>\\S+) org_id:(?<org>\\S+) \\[[^\\]]+\\] "(?<method>[A-Z]+) (?<path>\\S+) HTTP\\/[0-9.]+" (?<status>\\d+) .* x_forwarded_for:"(?<client>[^",]*)/';

/** Path of an index: `/api/pypi/<domain>/<distribution>/simple/<package>/`. */
const PACKAGE =
  "parse path /^\\/api\\/pypi\\/(?<domain>[^\\/]+)\\/(?<distribution>[^\\/]+)\\/simple\\/(?<package>[^\\/?]+)\\//";

const query = (...steps: readonly string[]): string => steps.join("\n| ");

/** Where the viewer has chosen a domain and a distribution; `.*` is any. */
const CHOSEN = `filter path like /\\/${parameter("domain")}\\/${parameter("distribution")}(\\/|$)/`;

const lines = (...steps: readonly string[]): string =>
  query("fields @timestamp, @message", "filter @message like /org_id:/", LINE, CHOSEN, ...steps);

const known = (...steps: readonly string[]): string => lines("filter user != '-'", ...steps);

/** `/O=…` is a program, `org:…` an organisation alone, with `@` an address, else a name. */
const KIND =
  "fields if(user like /^\\/O=/, 'service account', if(user like /^org:/, 'organisation', if(user like /@/, 'e-mail', 'user name'))) as kind";

const many = (title: string, expression: string) =>
  logPanel({ title, kind: "table", width: 12 }, expression);

/** Who uses what, read from the access lines. */
const panels = [
  logPanel(
    { title: "Users of a day", width: 8 },
    known("stats count_distinct(user) as users by bin(1d)"),
  ),
  logPanel(
    { title: "Users of a week", width: 8 },
    known("stats count_distinct(user) as users by bin(7d)"),
  ),
  logPanel(
    { title: "Users of a month", width: 8 },
    known("stats count_distinct(user) as users by bin(30d)"),
  ),
  logPanel(
    { title: "Users and requests" },
    known("stats count_distinct(user) as users, count(*) as requests by bin(1d)"),
  ),
  logPanel(
    { title: "New users of a day" },
    query(
      "fields @timestamp, @message",
      "parse @message /New user created: username=(?<user>.+), route=(?<route>\\S*)/",
      "filter ispresent(user)",
      "stats count_distinct(user) as users by bin(1d)",
    ),
  ),
  logPanel(
    { title: "Users by kind", kind: "piechart" },
    known(KIND, "stats count_distinct(user) as users by kind"),
  ),
  many(
    "Most active users",
    known("stats count(*) as requests by user", "sort requests desc", "limit 20"),
  ),
  many(
    "Most wanted packages",
    lines(
      ...["filter method = 'GET'", PACKAGE, "filter ispresent(package)"],
      ...["stats count(*) as requests by package", "sort requests desc", "limit 10"],
    ),
  ),
  many(
    "Most active organisations",
    lines(
      ...["filter org != '-'", "stats count(*) as requests by org"],
      ...["sort requests desc", "limit 20"],
    ),
  ),
  many(
    "Most active clients",
    lines(
      ...["filter client != '-'", "stats count(*) as requests by client"],
      ...["sort requests desc", "limit 50"],
    ),
  ),
];

const dashboard = (uid: string, title: string, domains: readonly string[]): Dashboard => ({
  ...{ uid, title, from: "now-30d", panels },
  choices: [
    { name: "log_group", label: "Log group", values: ["pulp-prod"] },
    { name: "region", label: "Region", values: ["us-east-1"] },
    { name: "domain", label: "Domain", values: domains },
    { name: "distribution", label: "Distribution", values: [".*"] },
  ],
});

export const aipccMetrics = dashboard("aipcc-metrics", "AIPCC Metrics", ["public-rhai"]);
export const trustedLibraries = dashboard("trusted-libraries", "Trusted Libraries", ["lightwell"]);
