/** The parts of a remote that say where its images are. */
export interface UpstreamPlace {
  /** URL of the registry. */
  readonly url: string;
  /** Name of the repository there. */
  readonly name: string;
}

const DOCKER_HUB = /^registry.*\.docker\.io$/i;

/** The name at the registry: Docker Hub keeps its own images below `library/` (plugin-container §3.5). */
export function upstreamName({ url, name }: UpstreamPlace): string {
  const host = URL.canParse(url) ? new URL(url).hostname : "";
  return DOCKER_HUB.test(host) && !name.includes("/") ? `library/${name}` : name;
}

/** The root of a registry's API with a slash at its end; a path of the URL stays in front. */
export const apiRoot = (url: string): string => `${url.replace(/\/+$/, "")}/v2/`;

const encoded = (name: string): string => name.split("/").map(encodeURIComponent).join("/");

/** `/v2/<name>/<kind>/<last>` at the registry. */
export const upstreamUrl = (
  place: UpstreamPlace,
  kind: "manifests" | "blobs" | "tags" | "referrers",
  last: string,
): string => `${apiRoot(place.url)}${encoded(upstreamName(place))}/${kind}/${last}`;

const IN_REPOSITORY = /\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\/[^/]+$/;

/** The scope that a request of an address needs, if it is one below a repository. */
export function scopeOf(url: string): string {
  const [, name] = IN_REPOSITORY.exec(new URL(url).pathname) ?? [];
  return name === undefined ? "" : `repository:${decodeURIComponent(name)}:pull`;
}
