/** A task as the API tells it; times have six decimals, so that they compare as texts. */
export interface Told {
  readonly pulp_href: string;
  readonly name: string;
  readonly state: string;
  readonly pulp_created: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly reserved_resources_record: readonly string[];
  readonly created_resources: readonly string[];
  readonly error: { readonly reason?: string; readonly description?: string } | null;
}

/** What was compared, and who overtook whom. */
export interface Order {
  /** Starts that had an earlier task of the same resource before them. */
  readonly compared: number;
  readonly findings: readonly string[];
}

const SHARED = "shared:";

/**
 * First come, first served for each resource: a task starts after the end of every earlier one that
 * it could not run beside (core-tasks-ops §4).
 *
 * @param tasks all that there were, in whatever order.
 */
export function overtakings(tasks: readonly Told[]): Order {
  const names = new Map<string, Queue>();
  const findings: string[] = [];
  let compared = 0;
  for (const task of tasks.toSorted((a, b) => (a.pulp_created < b.pulp_created ? -1 : 1))) {
    for (const resource of task.reserved_resources_record) {
      const isShared = resource.startsWith(SHARED);
      const name = isShared ? resource.slice(SHARED.length) : resource;
      const queue: Queue = names.get(name) ?? {};
      names.set(name, queue);
      const earlier = earlierOnes(queue, task, isShared);
      compared += earlier.length;
      for (const one of earlier) {
        if (task.started_at !== null && task.started_at < one.end)
          findings.push(`${task.pulp_href} started before ${one.task} left ${name} at ${one.end}`);
      }
      keep(queue, task, isShared);
    }
  }
  return { compared, findings };
}

/** The latest ends so far, of one resource. */
interface Queue {
  exclusive?: Latest;
  shared?: Latest;
}

interface Latest {
  readonly end: string;
  readonly task: string;
}

/** What a task that has started had to wait for. */
function earlierOnes({ exclusive, shared }: Queue, task: Told, isShared: boolean): Latest[] {
  if (task.started_at === null) return [];
  return [exclusive, isShared ? undefined : shared].filter((one) => one !== undefined);
}

function keep(queue: Queue, { pulp_href, finished_at }: Told, isShared: boolean): void {
  const kind = isShared ? "shared" : "exclusive";
  const end = finished_at ?? "9999";
  if ((queue[kind]?.end ?? "") < end) queue[kind] = { end, task: pulp_href };
}
