/** A local file that can get a second name, so that its bytes need not be copied. */
export interface Placeable {
  readonly path: string;
  /** It is placed once, as far as its writer knows, so that its name may go with it. */
  readonly isToBeMoved?: boolean;
  /** Gives the name away, where a file system knows one name per file. */
  move(target: string): Promise<void>;
  /** Makes sure that the file has its own name, too. */
  restoreName(): Promise<void>;
}

export const isPlaceable = (file: object): file is Placeable => "restoreName" in file;
