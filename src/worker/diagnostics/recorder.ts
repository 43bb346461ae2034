/** A file that a diagnosis made: its text, or where it lies. */
export type Recording =
  | { readonly name: string; readonly text: string }
  | { readonly name: string; readonly file: string };

/** One diagnosis of a task under way. */
export interface Recorder {
  /** Ends it; what it made is kept as artifacts of the task. */
  stop(): Promise<readonly Recording[]>;
}
