import { Session } from "node:inspector/promises";
import { join } from "node:path";
import { writeHeapSnapshot } from "node:v8";
import { type CpuProfile, callTree } from "./call-tree.ts";
import type { Recorder } from "./recorder.ts";

const SAMPLE_MS = 2000;
const MEBIBYTE = 1024 * 1024;
/** Microseconds between two looks at the stack. */
const CPU_INTERVAL = 1000;
/** Bytes between two sampled allocations. */
const HEAP_INTERVAL = 32_768;
/** Samples of a task that lasts for days; the last ones count. */
const MOST_SAMPLES = 100_000;

/** Memory over time, in the columns of the peer and three of ours (core-tasks-ops §14). */
export function recordMemory(): Promise<Recorder> {
  const started = performance.now();
  let lines: string[] = [];
  let peak = 0;
  const sample = () => {
    const { rss, heapUsed, external } = process.memoryUsage();
    peak = Math.max(peak, rss);
    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    const sizes = [rss, heapUsed, external, peak].map((bytes) => (bytes / MEBIBYTE).toFixed(2));
    lines.push([seconds, ...sizes].join("\t"));
    if (lines.length > MOST_SAMPLES) lines = lines.slice(MOST_SAMPLES / 2);
  };
  sample();
  const timer = setInterval(sample, SAMPLE_MS);
  return Promise.resolve({
    async stop() {
      clearInterval(timer);
      sample();
      const head = "# Seconds\tMemory in MB\tHeap used\tExternal\tPeak";
      return [{ name: "memory_profile", text: `${[head, ...lines].join("\n")}\n` }];
    },
  });
}

/** Where the time goes. */
export async function recordCpu(): Promise<Recorder> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: CPU_INTERVAL });
  await session.post("Profiler.start");
  return {
    async stop() {
      const { profile } = await session.post("Profiler.stop");
      session.disconnect();
      return [
        { name: "pyinstrument_profile", text: callTree(profile as CpuProfile) },
        { name: "cpu_profile", text: JSON.stringify(profile) },
      ];
    },
  };
}

/** Who allocates, and what is there at the end. */
export async function recordHeap(folder: string): Promise<Recorder> {
  const session = new Session();
  session.connect();
  await session.post("HeapProfiler.startSampling", { samplingInterval: HEAP_INTERVAL });
  return {
    async stop() {
      const { profile } = await session.post("HeapProfiler.stopSampling");
      session.disconnect();
      const file = writeHeapSnapshot(join(folder, "end.heapsnapshot"));
      return [
        { name: "memray_profile", text: JSON.stringify(profile) },
        { name: "heap_snapshot", file },
      ];
    },
  };
}
