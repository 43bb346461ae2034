/** What the engine says about a run, as far as a page needs it. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
    readonly children?: readonly number[];
  }[];
  readonly samples?: readonly number[];
  readonly timeDeltas?: readonly number[];
}

type Node = CpuProfile["nodes"][number];

/** Branches below this share of the time are left out. */
const SMALLEST = 0.002;
const DEEPEST = 200;

/** A page with the tree of calls by time, which needs nothing but itself. */
export function callTree(profile: CpuProfile): string {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const own = ownTimes(profile);
  const whole = new Map<number, number>();
  for (const node of profile.nodes.toReversed()) {
    const below = (node.children ?? []).map((id) => whole.get(id) ?? 0);
    whole.set(
      node.id,
      below.reduce((a, b) => a + b, own.get(node.id) ?? 0),
    );
  }
  const [root] = profile.nodes;
  const total = root ? (whole.get(root.id) ?? 0) : 0;
  const branch = (node: Node, depth: number): string => {
    const time = whole.get(node.id) ?? 0;
    if (depth > DEEPEST || time < total * SMALLEST) return "";
    const below = (node.children ?? [])
      .map((id) => nodes.get(id))
      .filter((child) => child !== undefined)
      .toSorted((a, b) => (whole.get(b.id) ?? 0) - (whole.get(a.id) ?? 0))
      .map((child) => branch(child, depth + 1))
      .join("");
    const line = `<b>${seconds(time)}</b> ${escaped(place(node))} <i>own ${seconds(own.get(node.id) ?? 0)}</i>`;
    return `<details${depth < 6 ? " open" : ""}><summary>${line}</summary>${below}</details>\n`;
  };
  return `<!doctype html>\n<meta charset="utf-8">\n<title>CPU profile</title>\n<style>details{margin-left:1em;font-family:monospace}i{color:#777}</style>\n<h1>${seconds(total)} s</h1>\n${root ? branch(root, 0) : ""}`;
}

function ownTimes({ samples = [], timeDeltas = [] }: CpuProfile): Map<number, number> {
  const times = new Map<number, number>();
  for (const [index, id] of samples.entries()) {
    times.set(id, (times.get(id) ?? 0) + (timeDeltas[index] ?? 0));
  }
  return times;
}

const seconds = (micros: number): string => (micros / 1e6).toFixed(3);

const place = ({ callFrame: { functionName, url, lineNumber } }: Node): string =>
  `${functionName || "(anonymous)"} ${url === "" ? "" : `${url.split("/").slice(-3).join("/")}:${lineNumber + 1}`}`;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
