import type { Ctx } from "#sdk";

/** What a file says of its release; columns of several values are JSON text. */
export type Described = Readonly<Record<(typeof TEXTS)[number] | (typeof LISTS)[number], string>>;

/** Columns that are shown as they are. */
export const TEXTS = [
  ...([
    "name",
    "version",
    "summary",
    "keywords",
    "description",
    "description_content_type",
  ] as const),
  ...(["download_url", "home_page", "author", "author_email", "maintainer"] as const),
  ...(["maintainer_email", "license", "requires_python", "project_url", "platform"] as const),
  "license_expression",
] as const;

/** Columns of JSON text. */
export const LISTS = [
  ...(["project_urls", "requires_dist", "classifiers", "provides_extras", "dynamic"] as const),
  "license_file",
] as const;

const DESCRIBED = {
  name: "python-index-described",
  text: `select ${[...TEXTS, ...LISTS].join(", ")} from python_package where domain = $1 and id = $2`,
};

export async function described(
  { hot }: Pick<Ctx, "hot">,
  domain: number,
  id: string,
): Promise<Described | undefined> {
  const [row] = await hot.query<Described>(DESCRIBED, [domain, id]);
  return row;
}
