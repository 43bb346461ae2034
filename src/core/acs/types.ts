import type { Static, TSchema } from "@sinclair/typebox";
import type { Caller, DomainRef, Trx } from "../ctx.ts";
import type { TaskDefinition } from "../plugin-contract.ts";

export interface NewAcs {
  readonly domain: DomainRef;
  /** `file.file` */
  readonly type: string;
  readonly name: string;
  /** `remote.id`, of policy `on_demand`. */
  readonly remote: string;
  /** Joined to the address of the remote; none is one empty path. */
  readonly paths: readonly string[];
}

/** Only the fields that are given change; new paths replace all. */
export type AcsPatch = Partial<Pick<NewAcs, "name" | "remote" | "paths">>;

/** What a refresh reads into: one hidden repository per path. */
export interface AcsTarget {
  readonly acs: string;
  readonly remote: string;
  /** Address of the metadata. */
  readonly url: string;
  /** `repository.id` */
  readonly repository: string;
}

/** How a plugin refreshes its alternate content sources. */
export interface AcsRefresh<Input extends TSchema = TSchema> {
  readonly caller: Caller;
  /** `alternate_content_source.id` */
  readonly acs: string;
  /** `file.file` */
  readonly repositoryType: string;
  readonly task: TaskDefinition<Input>;
  input(target: AcsTarget): Static<Input>;
  /** Row of the plugin for a new hidden repository. */
  createDetail?(trx: Trx, repository: string, domain: DomainRef): Promise<void>;
}
