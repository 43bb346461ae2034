/** What begins a `User-Agent`, or stands in it, and the family that says so; the first that fits. */
const FAMILIES: readonly (readonly [family: string, pattern: RegExp])[] = [
  ["dnf", /\b(lib)?dnf\b/i],
  ["yum", /\burlgrabber\b|\byum\b/i],
  ["microdnf", /\bmicrodnf\b|\blibrepo\b/i],
  ["zypper", /\bzypp\b/i],
  ["pip", /^pip\//i],
  ["uv", /^uv\//i],
  ["poetry", /^poetry\//i],
  ["pdm", /\bpdm\//i],
  ["bandersnatch", /^bandersnatch\b/i],
  ["twine", /^twine\//i],
  ["podman", /\blibpod\b|\bpodman\b|^containers\//i],
  ["skopeo", /^skopeo\//i],
  ["buildah", /^buildah\//i],
  ["docker", /^docker\/|\bdocker-client\b|\bmoby\b/i],
  ["buildkit", /\bbuildkit\b/i],
  ["containerd", /^containerd\//i],
  ["cri-o", /^cri-o\//i],
  ["oras", /^oras\//i],
  ["maven", /^apache-maven\//i],
  ["gradle", /^gradle\//i],
  ["npm", /^npm\//i],
  ["yarn", /^yarn\//i],
  ["pnpm", /^pnpm\//i],
  ["bundler", /^bundler\//i],
  ["gem", /^ruby,? rubygems\/|^rubygems\//i],
  ["huggingface", /\bhf_hub\/|\bhuggingface_hub\b/i],
  ["pulp", /^pulpcore\/|\bpulp\b|^deckle\//i],
  ["curl", /^curl\//i],
  ["wget", /^wget\//i],
  ["browser", /^mozilla\//i],
];

/** Programs whose family is remembered: many requests come from few. */
const MOST = 1000;
/** What is looked at; of longer texts nothing is kept, since a part of one keeps all of it. */
const MOST_CHARACTERS = 200;
const known = new Map<string, string>();

/** The family of a client by its `User-Agent`, `other` where it is none of those we know. */
export function clientFamily(userAgent: string | undefined): string {
  const text = userAgent ?? "";
  if (text.length > MOST_CHARACTERS) return familyOf(text.slice(0, MOST_CHARACTERS));
  const before = known.get(text);
  if (before !== undefined) return before;
  const family = familyOf(text);
  if (known.size >= MOST) known.clear();
  known.set(text, family);
  return family;
}

const familyOf = (text: string): string =>
  FAMILIES.find(([, pattern]) => pattern.test(text))?.[0] ?? "other";
