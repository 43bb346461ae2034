/** A place among entitled paths; several places may lead to the same one below. */
export interface PathNode {
  /** Segment → what is below it. A segment that begins with `$` stands for any one segment. */
  readonly children: (readonly [segment: string, below: PathNode])[];
  /** Everything from here on is entitled. */
  isEntitled: boolean;
}

export const pathNode = (): PathNode => ({ children: [], isEntitled: false });

/** The tree of paths that are written out: `/content/dist/$releasever/os`. */
export function treeOfPaths(paths: readonly string[]): PathNode {
  const root = pathNode();
  for (const path of paths) {
    let here = root;
    for (const segment of segmentsOf(path)) {
      const known = here.children.find(([name]) => name === segment);
      const [, below] = known ?? [segment, pathNode()];
      if (!known) here.children.push([segment, below]);
      here = below;
    }
    here.isEntitled = true;
  }
  return root;
}

/** Whether a path is an entitled one or below one (core-rest §8.9). */
export function isEntitled(root: PathNode, path: string): boolean {
  let here: ReadonlySet<PathNode> = new Set([root]);
  for (const segment of segmentsOf(path)) {
    if (anyEntitled(here)) return true;
    const next = new Set<PathNode>();
    for (const { children } of here) {
      for (const [name, below] of children) {
        if (name === segment || name.startsWith("$")) next.add(below);
      }
    }
    here = next;
  }
  return anyEntitled(here);
}

const anyEntitled = (nodes: ReadonlySet<PathNode>): boolean => {
  for (const node of nodes) if (node.isEntitled) return true;
  return false;
};

/** Slashes that follow one another count as one. */
const segmentsOf = (path: string): readonly string[] => path.split("/").filter(Boolean);
