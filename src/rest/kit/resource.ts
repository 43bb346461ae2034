import type { Readable } from "node:stream";
import type { Json, JsonObject } from "#base/json.ts";
import type { RoleObject } from "#core/access/types.ts";
import type { Executor } from "#core/ctx.ts";
import type { Family, TaskDefinition } from "#core/plugin-contract.ts";
import type { Call, Run } from "./call.ts";
import type { Filter } from "./filters/filter.ts";
import type { JsonSchema } from "./schema.ts";
import type { AnySite } from "./site.ts";
import type { View } from "./view.ts";
import type { Visibility } from "./visibility.ts";

/** A row as selected: field name → value, and helper columns under names with a `$`. */
export type Row = Readonly<Record<string, unknown>>;
/** Validated input by field name; relations are ids. */
export type Values = Readonly<Record<string, unknown>>;

/** One key of an object on the wire. */
export interface Field {
  readonly schema: JsonSchema;
  /** Must be given on create and PUT. */
  readonly required?: boolean;
  /** Null is accepted and shown. */
  readonly nullable?: boolean;
  /** Null is shown, though the baseline's description does not say so. */
  readonly mayBeNull?: boolean;
  readonly readOnly?: boolean;
  readonly writeOnly?: boolean;
  readonly deprecated?: boolean;
  /** Published, and applied where the key is absent on create and PUT. */
  readonly default?: Json;
  /** Value where the key is absent on create and PUT; worked out per request, so not published. */
  readonly absent?: (run: Run) => unknown;
  /** What is really accepted, where the baseline's description is narrower. */
  readonly accepts?: JsonSchema;
  /** Published minimum length of a text, or of those of a list, is 1 unless blank is welcome. */
  readonly blank?: boolean;
  /** White space around a text stays. */
  readonly verbatim?: boolean;
  /** In answers only under another schema than in requests (an uploaded file is shown as a name). */
  readonly answer?: JsonSchema;
  /** SQL expression over `e` (and the aliases of the source); default `e.<name>`, false is none. */
  readonly sql?: string | false;
  /** More columns for `read`, by alias. */
  readonly columns?: Readonly<Record<string, string>>;
  /** Row → wire; default is the column. */
  readonly read?: (row: Row, view: View) => Json;
  /** Left out of answers. */
  readonly hidden?: boolean;
  /** A rule beyond the schema; throws `FieldProblem`, or returns the value to keep. */
  readonly check?: (value: never, run: Run) => unknown;
  /** Given as an href or PRN; the value kept is what `resolve` returns. */
  readonly relation?: Relation;
}

export type Fields = Readonly<Record<string, Field>>;

/** Which objects a relation may name. */
export interface Relation {
  /** `remote`, `repository`, …, or the path of a flat resource such as `uploads`. */
  readonly to: Family | "repository_version" | "artifact" | "upload";
  /** `pulp_type`s that fit; all of the family without it. */
  readonly types?: readonly string[];
}

/** Where the rows come from; `e` is the table that has the key. */
export interface Source {
  /**
   * Begins with the table that has one row for each of the list: `remote e`, or
   * `repository e join file_repository d on d.id = e.id`.
   */
  readonly from: string;
  /** Joins that only the shown columns need; neither filters nor orderings may use their aliases. */
  readonly shown?: string;
  /** Fixed condition: `e.type = 'file.file'`. */
  readonly where?: string;
  /** Objects that `where` keeps out carry roles too, so roles do not tell how many there are. */
  readonly hidesObjects?: true;
  /** SQL of the key; default `e.id`. */
  readonly key?: string;
  /** SQL of a column that tells rows apart where the key alone does not (numbers of versions). */
  readonly unique?: string;
  /** SQL of the creation time, by which lists are ordered; null orders by the key. */
  readonly created?: string | null;
  /** SQL of the domain's number; null for global resources. Default `e.domain`. */
  readonly domain?: string | null;
  /** For a nested resource: SQL of the id of the parent. */
  readonly parent?: string;
}

/** Exclusive and shared names of a task (core-rest §2.5). */
export interface Locks {
  readonly exclusive?: readonly string[];
  readonly shared?: readonly string[];
}

/** What a request ended in; the kit writes the answer. */
export type Outcome =
  | {
      readonly kind: "object";
      readonly id: string | number;
      readonly status: 200 | 201;
      /** Path of its resource, where the request is none to that. */
      readonly of?: string;
      /** Keys that only this answer tells. */
      readonly told?: JsonObject;
    }
  | {
      readonly kind: "task";
      readonly task: string;
      /** 202 without it. */
      readonly status?: number;
      /** More keys of the answer. */
      readonly told?: JsonObject;
    }
  | { readonly kind: "task_group"; readonly group: string }
  | { readonly kind: "json"; readonly status: number; readonly body: Json }
  | { readonly kind: "stream"; readonly type: string; readonly body: Readable }
  | { readonly kind: "empty"; readonly status: number };

/** Gives the maker of an object its roles; called inside the transaction that makes the object. */
export type Made = (db: Executor, key: string | number) => Promise<void>;

export interface Create {
  /** `sync` answers 201 with the object; `task` answers 202. */
  readonly mode: "sync" | "task";
  /** Rules over the whole object; throws `ValidationError`. */
  check?(run: Run, values: Values): Promise<void> | void;
  locks?(run: Run, values: Values): Locks;
  /** Makes the object; returns its key. Runs in the request, or in the general task. */
  apply?(run: Run, values: Values, made: Made): Promise<string | number>;
  /** Left to a worker even if the locks are free: it takes its time. */
  readonly isDeferred?: boolean;
  /** `apply` adds the created resources, since they are more than the object. */
  readonly reportsItself?: boolean;
  /** Makes the input fit for a task: an uploaded file becomes an artifact. */
  prepare?(call: Call, values: Values): Promise<Values>;
  /**
   * Dispatches a task of its own instead of the general one, or makes an object below another one.
   *
   * @param parent row of the parent of a nested resource, else empty.
   */
  run?(call: Call, values: Values, parent: Row): Promise<Outcome>;
}

export interface Update {
  /** `sync` answers 200; `task` answers 200 where nothing changes, else 202. */
  readonly mode: "sync" | "task";
  check?(run: Run, values: Values, row: Row): Promise<void> | void;
  /** Values with what the stored object adds to them, where a field holds several things. */
  complete?(run: Run, values: Values, row: Row): Values;
  /** Stored values of fields that no column shows (secrets), to tell whether anything changes. */
  current?(run: Run, row: Row): Promise<Values> | Values;
  locks?(run: Run, row: Row, changes: Values): Locks;
  /** What is given counts as changed, even if it is what is stored. */
  readonly isAlwaysChange?: boolean;
  apply(run: Run, row: Row, changes: Values): Promise<void>;
}

export interface Delete {
  /** `sync` answers 204, `task` 202 at once if the locks are free, `deferred` always by a worker. */
  readonly mode: "sync" | "task" | "deferred";
  check?(run: Run, row: Row): Promise<void> | void;
  locks?(run: Run, row: Row): Locks;
  apply?(run: Run, row: Row): Promise<void>;
  /** Dispatches a task of its own instead of the general one. */
  run?(call: Call, row: Row): Promise<Outcome>;
}

/** A request of its own kind on an object or on the collection. */
export interface Action {
  /** Last path segment and end of the operation id: `sync`. */
  readonly name: string;
  readonly method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  readonly on: "object" | "collection";
  /** Path below the object or collection; default is the name. `""` is the object itself. */
  readonly path?: string;
  readonly body?: Body;
  /** Extra request headers of the description. */
  readonly header?: Readonly<Record<string, HeaderSchema>>;
  readonly answers: Readonly<Record<string, Answer>>;
  /** Media type of the answers; JSON without it. */
  readonly answerType?: string;
  /** Takes the filters of the list. */
  readonly isFiltered?: boolean;
  /** Full operation id where it does not follow the rule. */
  readonly operationId?: string;
  /** Permission asked, by its action name; default is `name`. */
  readonly permission?: string;
  /** Of an action on the collection: the object that permission is asked for. */
  readonly subject?: (run: Run) => RoleObject;
  /** The object is not read first: `row` has `$key`, `$parent` and `$resource`; the action answers 404. */
  readonly isBlind?: boolean;
  run(call: Call, values: Values, row: Row): Promise<Outcome>;
}

export type HeaderSchema = Omit<JsonSchema, "required"> & { readonly required?: boolean };

export interface Body {
  /** Component schema; several actions may share it. */
  readonly schema: string;
  readonly fields: Fields;
  /** A file comes along, so no JSON. */
  readonly hasFile?: boolean;
  /** The file may be missing: JSON is taken too, though clients are told to send forms. */
  readonly isFileOptional?: boolean;
  /** Unknown keys are ignored (core-rest §2.2). */
  readonly isLenient?: boolean;
  /** Nothing is required, as in a PATCH. */
  readonly isPartial?: boolean;
}

/** Component schema of an answer, or null for no body. */
export type Answer = string | null | JsonSchema;

/** A resource: routes, validation, filters, description and clients all come from this value. */
export interface Resource {
  /** Below the API root: `remotes/file/file`; of a nested resource below its parent: `versions`. */
  readonly path: string;
  readonly parent?: Resource;
  /** Names of the path parameters in the valid description: `{parent: "repository_pk", key: "pulp_id"}`. */
  readonly parameters?: { readonly parent?: string; readonly key?: string };
  /** Component that provides it. */
  readonly label: string;
  /** Model of PRN and 404 text: `FileRemote`. */
  readonly model: string;
  /** Label of the PRN where it differs (`auth` of users). */
  readonly prnLabel?: string;
  /** Model of the PRN where it differs (`AppStatus` of workers). */
  readonly prnModel?: string;
  /** Base name of its schemas; default `<label>.<Model>`, of the core `<Model>`. */
  readonly schema?: string;
  /** Schemas that differ by operation (detail views, upload). */
  readonly schemas?: Readonly<Partial<Record<"read" | "list" | "upload", string>>>;
  /** Fields shown only when one object is read, on top of `fields`. */
  readonly detail?: Fields;
  readonly family?: Family;
  /** Singular of the summaries: `file remote`. */
  readonly title: string;
  readonly key: "uuid" | "int" | "number";
  readonly source: Source;
  /** Keys in the order of the wire. The four common ones come first by themselves. */
  readonly fields: Fields;
  /** Common keys that it has; default all four. */
  readonly common?: readonly ("pulp_href" | "prn" | "pulp_created" | "pulp_last_updated")[];
  /** Href of a row; default is `<path>/<key>/`. */
  readonly address?: (row: Row, view: View) => string;
  /** Model of the PRN of a row, in lists over several types. */
  readonly rowModel?: (row: Row, view: View) => string;
  /** Columns that `address` needs, by alias. */
  readonly addressColumns?: Readonly<Record<string, string>>;
  /** Query parameter → what it asks; none makes a list without filters. */
  readonly filters?: Readonly<Record<string, Filter>>;
  /** `ordering` value → SQL; `pk` and `pulp_id` come by themselves. */
  readonly orderings?: Readonly<Record<string, string>>;
  /** Count without a query, for the filters given; undefined counts rows. */
  readonly count?: (run: Run, filters: URLSearchParams) => Promise<number | undefined>;
  readonly operations: {
    readonly list?: true;
    readonly read?: true;
    readonly create?: Create;
    readonly update?: Update;
    readonly delete?: Delete;
  };
  /** Body of create where it has keys that the object has not. */
  readonly createBody?: Body;
  /** Unknown keys of bodies are ignored (core-rest §2.2). */
  readonly isLenient?: boolean;
  readonly actions?: readonly Action[];
  /** Objects of one page of its list, whatever is asked for: each of them may be large. */
  readonly mostListed?: number;
  /** `fields` and `exclude_fields` say nothing (core-rest §3.2). */
  readonly isAlwaysWhole?: true;
  /** Shorter answer when `?minimal=true`: its schema and keys. */
  readonly minimal?: { readonly schema: string; readonly keys: readonly string[] };
  /** Which rows somebody sees, where it is not by the view permission of the model. */
  readonly visibility?: Visibility;
}

/** A request that belongs to no object: status, housekeeping, the description. */
export interface Endpoint {
  /** Below the API root; with a slash in front that of the host. */
  readonly path: string;
  /** In the description, which otherwise leaves out what is beside the API root. */
  readonly isDescribed?: true;
  /** Name of its policy; default is the path. */
  readonly policy?: string;
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly label: string;
  readonly operationId: string;
  readonly tag: string;
  readonly title: string;
  /** What it reads of the query, for the description. */
  readonly query?: Readonly<Record<string, JsonSchema>>;
  readonly body?: Body;
  readonly answers: Readonly<Record<string, Answer>>;
  /** Media type of the answers; JSON without it. */
  readonly answerTypes?: readonly string[];
  /** Anybody may ask, without credentials. */
  readonly isPublic?: boolean;
  /**
   * Who may ask, whatever decides elsewhere: it has no policy then. Strangers may not, and the scope of
   * a token holds.
   */
  readonly admits?: (call: Call) => boolean;
  /** Needs nothing but the process: not even the domain is looked up. */
  readonly isDetached?: boolean;
  run(call: Call, values: Values): Promise<Outcome>;
}

/** Schemas that no resource owns: name → fields. Those ending in `Response` are answers. */
export type Schemas = Readonly<Record<string, Fields | JsonSchema>>;

/** An operation that is answered elsewhere and described all the same. */
export interface DescribedOperation {
  readonly label: string;
  /** In lower case. */
  readonly method: string;
  /** From the root of the host: `/token/`. */
  readonly path: string;
  readonly id: string;
  /** The id where only the tag tells operations apart. */
  readonly shortId: string;
  readonly tag: string;
  readonly summary: string;
  readonly answers: Readonly<Record<string, Answer>>;
}

/** What the API is made of; joined from the core and every plugin. */
export interface ApiParts {
  readonly resources: readonly Resource[];
  readonly endpoints: readonly Endpoint[];
  readonly schemas: Schemas;
  readonly sites: readonly AnySite[];
  readonly described: readonly DescribedOperation[];
}

/** Keeps the value's type and checks nothing at run time: a resource is data. */
export const defineResource = (resource: Resource): Resource => resource;
export const defineEndpoint = (endpoint: Endpoint): Endpoint => endpoint;

/** A field's value breaks a rule; the text goes under the field's name. */
export class FieldProblem extends Error {
  /** The text, or the nested error of a list or map. */
  readonly detail: string | JsonObject;

  constructor(detail: string | JsonObject) {
    super(typeof detail === "string" ? detail : JSON.stringify(detail));
    this.name = "FieldProblem";
    this.detail = detail;
  }
}

/** A task that a resource's action dispatches; listed so that workers know it. */
export type AnyTask = TaskDefinition;
