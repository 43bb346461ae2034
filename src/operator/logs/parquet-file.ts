import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { ByteWriter, type ColumnSource, ParquetWriter } from "hyparquet-writer";
import { operatorErrors } from "../errors.ts";

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]["schema"][number];

/** What a column holds; moments are milliseconds since 1970 and stored as nanoseconds, without a zone. */
export type ColumnKind = "moment" | "text" | "int16" | "int32" | "int64" | "boolean";

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  /** Has no nulls. */
  readonly isRequired?: true;
}

type Value = string | number | boolean | undefined;
export type Row = Readonly<Record<string, Value>>;

/** What is gathered before it is written; readers want large groups, memory small ones. */
const GROUP_ROWS = 20_000;
const GROUP_CHARS = 16 * 2 ** 20;

const TYPES: Readonly<Record<ColumnKind, Omit<SchemaElement, "name" | "repetition_type">>> = {
  moment: {
    type: "INT64",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: false, unit: "NANOS" },
  },
  text: { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } },
  int16: { type: "INT32", converted_type: "INT_16" },
  int32: { type: "INT32", converted_type: "INT_32" },
  int64: { type: "INT64", converted_type: "INT_64" },
  boolean: { type: "BOOLEAN" },
};

/**
 * A Parquet file that grows by rows, compressed with snappy. It appears under its name when it is
 * finished, and not at all without a row.
 */
export class ParquetFile implements AsyncDisposable {
  readonly #path: string;
  readonly #columns: readonly Column[];
  #rows: Row[] = [];
  #chars = 0;
  #count = 0;
  #file: Growing | undefined;

  constructor(path: string, columns: readonly Column[]) {
    this.#path = path;
    this.#columns = columns;
  }

  async add(row: Row): Promise<void> {
    this.#rows.push(row);
    for (const value of Object.values(row)) this.#chars += String(value ?? "").length;
    if (this.#rows.length >= GROUP_ROWS || this.#chars >= GROUP_CHARS) await this.#writeGroup();
  }

  /** Number of rows; 0 means that there is no file. */
  async finish(): Promise<number> {
    if (this.#rows.length > 0) await this.#writeGroup();
    if (!this.#file) return 0;
    await this.#file.writer.finish();
    await this.#file.handle.sync();
    await this.#file.handle.close();
    await rename(this.#part, this.#path);
    this.#file = undefined;
    return this.#count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#file) return;
    await this.#file.handle.close();
    await rm(this.#part, { force: true });
  }

  get #part(): string {
    return `${this.#path}.part`;
  }

  async #writeGroup(): Promise<void> {
    this.#file ??= await begin(this.#part, this.#columns);
    const rows = this.#rows;
    this.#rows = [];
    this.#chars = 0;
    const columnData = this.#columns.map((column) => dataOf(column, rows));
    await this.#file.writer.write({ columnData, rowGroupSize: rows.length });
    this.#count += rows.length;
  }
}

function dataOf({ name, kind }: Column, rows: readonly Row[]): ColumnSource {
  const data = rows.map((row) => stored(kind, row[name]));
  return { name, data };
}

const NANOS_PER_MS = 1_000_000n;

function stored(kind: ColumnKind, value: Value): unknown {
  if (value === undefined) return null;
  if (kind === "moment") return BigInt(value) * NANOS_PER_MS;
  return kind === "int64" ? BigInt(value) : value;
}

interface Growing {
  readonly handle: FileHandle;
  readonly writer: ParquetWriter;
}

async function begin(path: string, columns: readonly Column[]): Promise<Growing> {
  const handle = await open(path, "w", 0o640).catch(failing(path));
  const schema: SchemaElement[] = [
    { name: "root", num_children: columns.length },
    ...columns.map(({ name, kind, isRequired }) => ({
      ...{ name, ...TYPES[kind] },
      repetition_type: isRequired ? ("REQUIRED" as const) : ("OPTIONAL" as const),
    })),
  ];
  const writer = new ParquetWriter({
    ...{ writer: new FileBytes(handle, path), schema, codec: "SNAPPY" },
    createdBy: "deckle",
  });
  return { handle, writer };
}

/** Hands bytes on to a file after each group. */
class FileBytes extends ByteWriter {
  readonly #handle: FileHandle;
  readonly #path: string;

  constructor(handle: FileHandle, path: string) {
    super();
    this.#handle = handle;
    this.#path = path;
  }

  async flush(): Promise<void> {
    await this.#handle.appendFile(this.getBytes()).catch(failing(this.#path));
    this.index = 0;
  }

  override finish(): Promise<void> {
    return this.flush();
  }
}

const failing =
  (path: string) =>
  (error: NodeJS.ErrnoException): never => {
    throw operatorErrors.file(path, error.code ?? error.message);
  };
