import type { RoleObject } from "#core/access/types.ts";
import type { Facts } from "#core/policies/facts.ts";
import { type ReadBody, readBody } from "./body.ts";
import type { Call } from "./call.ts";
import { parseBody, type RawBody } from "./parse.ts";
import { keyOf } from "./present.ts";
import { checkKeys, type KeyPath, readVisibleRow } from "./read.ts";
import type { Body, Fields, Resource, Row, Values } from "./resource.ts";
import { relatedObject, roleObjectOf } from "./role-object.ts";
import type { SiteVisit } from "./site.ts";
import { scopeOf, seenBy } from "./visibility.ts";

/** What a request addresses and brings. */
export interface TargetOptions {
  readonly resource?: Resource;
  /** Key of the object in the URL. */
  readonly key?: string;
  /** Key of the parent of a nested resource. */
  readonly parent?: string;
  readonly body?: Omit<Body, "schema">;
  /** The object is not read unless somebody may not see it, or needs a right on it. */
  readonly isBlind?: boolean;
  /** What permission is asked for where the URL names no object. */
  readonly subject?: (call: Call) => RoleObject;
  /** Where a request to a site leads: permission is asked for its place. */
  readonly visit?: Omit<SiteVisit, "values">;
  /** A body that stands for that of the request. */
  readonly given?: RawBody;
}

/**
 * What one request is about. Object, parent and body are read once, when the policy or the operation
 * asks for them: the order of conditions decides which refusal a client sees (core-rest §7.2).
 */
export class Target implements Facts, AsyncDisposable {
  readonly #call: Call;
  readonly #options: TargetOptions;
  #row: Promise<Row> | undefined;
  #parent: Promise<Row> | undefined;
  #raw: Promise<ReadBody> | undefined;
  #values: Promise<Values> | undefined;

  constructor(call: Call, options: TargetOptions) {
    this.#call = call;
    this.#options = options;
  }

  get path(): KeyPath {
    const { key = "", parent } = this.#options;
    return { key, ...(parent === undefined ? {} : { parent }) };
  }

  /** Of a request to a site. */
  get visit(): Omit<SiteVisit, "values"> {
    const { visit } = this.#options;
    if (!visit) throw new Error("The request is none to a site.");
    return visit;
  }

  /** The row of the object. @throws `restErrors.noMatch` alike for a missing and a hidden one. */
  row(): Promise<Row> {
    this.#row ??= this.#loadRow();
    return this.#row;
  }

  /** Of a nested resource; it is visible to the user. */
  parentRow(): Promise<Row> {
    this.#parent ??= this.#loadParent();
    return this.#parent;
  }

  /** What the body brings, checked. @throws `ValidationError`, and the errors of `readBody`. */
  values(): Promise<Values> {
    this.#values ??= this.#parse();
    return this.#values;
  }

  async object(): Promise<RoleObject> {
    const { resource, key, subject, isBlind, visit } = this.#options;
    if (visit) return visit.place.object;
    if (subject) return subject(this.#call);
    if (!resource || key === undefined) throw new Error("The request addresses no object.");
    if (isBlind) await readVisibleRow(resource, this.#call, this.path);
    const object = roleObjectOf(resource, this.#call, keyOf(await this.row()));
    const known = await seenBy(resource, this.#call);
    return known === undefined ? object : { ...object, known };
  }

  async parent(): Promise<RoleObject> {
    const parent = this.#options.resource?.parent;
    if (!parent) throw new Error("The request addresses nothing below an object.");
    return roleObjectOf(parent, this.#call, keyOf(await this.parentRow()));
  }

  async attribute(name: string): Promise<RoleObject | undefined> {
    const { visit } = this.#options;
    if (visit) return visit.place.related[name];
    return this.#related(this.#options.resource?.fields, name, await this.row());
  }

  async parameter(name: string): Promise<RoleObject | undefined> {
    const fields = this.#options.body?.fields;
    return this.#related(fields, name, await this.values());
  }

  async isGiven(name: string): Promise<boolean> {
    return (await this.values())[name] !== undefined;
  }

  async value(name: string): Promise<unknown> {
    return (await this.values())[name];
  }

  /** Drops uploaded files that nobody took. */
  async [Symbol.asyncDispose](): Promise<void> {
    const raw = await this.#raw?.catch(() => undefined);
    await raw?.[Symbol.asyncDispose]();
  }

  async #related(
    fields: Fields | undefined,
    name: string,
    values: Values,
  ): Promise<RoleObject | undefined> {
    const relation = fields?.[name]?.relation;
    const id = values[name];
    return relation && typeof id === "string" ? relatedObject(this.#call, relation, id) : undefined;
  }

  async #loadRow(): Promise<Row> {
    const { resource, isBlind } = this.#options;
    if (!resource) throw new Error("The request addresses no object.");
    if (!isBlind || (await scopeOf(resource, this.#call))) {
      const row = await readVisibleRow(resource, this.#call, this.path);
      this.#call.request.audit?.found(resource, row);
      return isBlind ? this.#blindRow(resource, keyOf(row)) : row;
    }
    checkKeys(resource, this.path);
    return this.#blindRow(resource, this.path.key);
  }

  #blindRow(resource: Resource, key: string | number): Row {
    return { $key: key, $parent: this.path.parent, $resource: resource };
  }

  #loadParent(): Promise<Row> {
    const { resource, parent } = this.#options;
    if (!resource?.parent || parent === undefined) throw new Error("There is no parent.");
    return readVisibleRow(resource.parent, this.#call, { key: parent });
  }

  async #parse(): Promise<Values> {
    const { body, given } = this.#options;
    if (!body) return {};
    const options = { ...body, isPartial: body.isPartial ?? false };
    if (given) return parseBody(this.#call, given, options);
    this.#raw ??= readBody(this.#call, body);
    return parseBody(this.#call, await this.#raw, options);
  }
}
