/** The only door for plugins: what a plugin may use, and the type of what it brings. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { SettingSpecs } from "#base/settings.ts";
import type { Caller, Ctx } from "#core/ctx.ts";
import type { CorePlugin } from "#core/plugin-contract.ts";
import type { ContentHandler, GuardHandler, GuardPrelude, SentFile } from "#delivery/contract.ts";
import type { Door } from "#delivery/door.ts";
import type { AuthenticationClass } from "#rest/auth/authentication.ts";
import type { Call } from "#rest/kit/call.ts";
import type { DescribedOperation, Endpoint, Resource, Schemas } from "#rest/kit/resource.ts";
import type { RequestHooks } from "#rest/kit/server.ts";
import type { AnySite, SitePlace } from "#rest/kit/site.ts";
import type { PageSiteOf } from "#rest/pages/page.ts";

export { sql } from "kysely";
export type { Json, JsonObject } from "#base/json.ts";
export { redeemIdentity } from "#core/access/commands.ts";
export { markRefreshed, refreshAcs } from "#core/acs/commands.ts";
export type { AcsRefresh } from "#core/acs/types.ts";
export {
  openArtifact,
  placement,
  saveArtifacts,
} from "#core/artifacts/commands.ts";
export { saveUnits } from "#core/content/commands.ts";
export { slotOf } from "#core/content/rules.ts";
export type { Caller, Ctx, Db, DomainRef, Executor } from "#core/ctx.ts";
export {
  announceAfterCommit,
  createDistribution,
  deleteDistribution,
} from "#core/distributions/commands.ts";
export type { CoreEvent } from "#core/events/types.ts";
export { tellFirstStatistics } from "#core/first-statistics.ts";
export { flights } from "#core/flights.ts";
export { ensureGuard } from "#core/guards/commands.ts";
export {
  type ContentType,
  type CorePlugin,
  defineTask,
  type EntityModel,
  type Job,
  type RepositoryType,
  type SignerKind,
  type VersionRef,
} from "#core/plugin-contract.ts";
export { runCreationHooks } from "#core/policies/commands.ts";
export { crudPolicy, may, OWNER_VERBS, plainPolicy, STANDARD_ROLES } from "#core/policies/crud.ts";
export type { AccessModel, AccessRules, CheckQuestion } from "#core/policies/types.ts";
export { publications } from "#core/publications/commands.ts";
export type { PublicationRef } from "#core/publications/types.ts";
export { askUpstream, downloadIfChanged, openRemote } from "#core/remotes/commands.ts";
export type { Policy } from "#core/remotes/table.ts";
export type { Download, RemoteSession } from "#core/remotes/types.ts";
export {
  applyRetention,
  commitVersion,
  createRepository,
  createVersion,
  deleteRepository,
  growth,
} from "#core/repositories/commands.ts";
export { pushes } from "#core/repositories/push.ts";
export { versions } from "#core/repositories/queries.ts";
export { signing } from "#core/signing/commands.ts";
export type { SigningService } from "#core/signing/queries.ts";
export { syncRepository } from "#core/sync/commands.ts";
export type { DeclaredUnit } from "#core/sync/types.ts";
export { dispatch, recordTasks } from "#core/tasks/commands.ts";
export { tenancy } from "#core/tenancy.ts";
export { inTransaction } from "#core/transaction.ts";
export { advisories } from "#core/vulnerabilities/commands.ts";
export type { ContentHandler, GuardHandler, GuardRequest } from "#delivery/contract.ts";
export { gateway } from "#rest/auth/gateway.ts";
export type { Call } from "#rest/kit/call.ts";
export {
  boolean,
  choice,
  int32,
  integer,
  labels,
  link,
  list,
  relation,
  text,
} from "#rest/kit/fields.ts";
export { labelSelect } from "#rest/kit/filters/label-select.ts";
export {
  booleanFilter,
  datetimeFilters,
  NAME,
  textFilters,
} from "#rest/kit/filters/lookups.ts";
export { resolveRelation } from "#rest/kit/references.ts";
export {
  type Action,
  type DescribedOperation,
  defineResource,
  type Field,
  FieldProblem,
  type Resource,
  type Values,
} from "#rest/kit/resource.ts";
export { defineSite } from "#rest/kit/site.ts";
export type { Visibility } from "#rest/kit/visibility.ts";
export { createFrom } from "#rest/kit/write.ts";
export { acsResource } from "#rest/resources/families/acs-resource.ts";
export { relationFilter } from "#rest/resources/families/common.ts";
export {
  digestFields,
  singleArtifactFields,
} from "#rest/resources/families/content.ts";
export { contentResource } from "#rest/resources/families/content-resource.ts";
export { distributionResource, publishedFields } from "#rest/resources/families/distributions.ts";
export { contentGuardResource } from "#rest/resources/families/guard-resource.ts";
export { namedUnits } from "#rest/resources/families/named-units.ts";
export { publicationResource } from "#rest/resources/families/publications.ts";
export { remoteResource } from "#rest/resources/families/remotes.ts";
export { repositoryResource } from "#rest/resources/families/repositories.ts";
export { signingServiceField } from "#rest/resources/families/signing-field.ts";
export { syncAction } from "#rest/resources/families/sync-action.ts";
export { versionsResource } from "#rest/resources/families/version-resource.ts";
export { labelActions } from "#rest/resources/label-actions.ts";
export { malwareScans } from "#rest/resources/malware-scans.ts";
export { operator } from "#rest/resources/operator.ts";
export { roleActions } from "#rest/resources/role-actions.ts";

interface Middleware {
  /** Name in the setting. */
  readonly identifier: string;
  attach(ctx: Ctx, hooks: RequestHooks): void;
}

/** Counts what is served and asked for, in one process; no answer waits for it, nor fails by it. */
export interface Meter {
  /** A file was sent, by the content app or through a door. */
  sent(file: SentFile): void;
  /** A request of the API was permitted; of one to a site `place` says what it is about. */
  asked(call: Call, place?: SitePlace): void;
  /** Writes what is left. */
  close(): Promise<void>;
}

/** Everything that a plugin brings; a plugin is one value of this type. */
export interface Plugin extends CorePlugin {
  /** It changes what an installation is, so it is loaded only where `ENABLED_PLUGINS` names it. */
  readonly isOptIn?: true;
  readonly resources: readonly Resource[];
  /** Requests that are about no object. */
  readonly endpoints?: readonly Endpoint[];
  /** What it answers beside the REST API and clients look for in the description. */
  readonly described?: readonly DescribedOperation[];
  /** Schemas that its answers name and no resource owns. */
  readonly schemas?: Schemas;
  /** Its ecosystem's own protocol, beside the REST API. */
  readonly sites?: readonly AnySite[];
  /** How its distributions are served beyond publications and versions. */
  readonly delivery: readonly ContentHandler[];
  /** Its protocol where that has nothing of the REST API: answered on the bare sockets. */
  readonly doors?: readonly Door[];
  /** Paths of its doors, for proxies in front that are told them before a server runs: `/v2/`. */
  readonly ingress?: (ctx: Pick<Ctx, "settings">) => readonly string[];
  /** How its content guards decide. */
  readonly guards?: readonly GuardHandler[];
  /** What decides about downloads before content guards are asked. */
  readonly beforeGuards?: readonly GuardPrelude[];
  /** Ways to recognise who asks, among which the settings choose. */
  readonly authentication?: readonly AuthenticationClass[];
  /** What a gateway says about the one who asks, for the plugin's own permission class. */
  readonly claims?: (ctx: Ctx) => (request: IncomingMessage) => Caller["claims"];
  /** Pages for people, beside the REST API. */
  readonly pages?: PageSiteOf;
  /** Hooks before the API, which `MIDDLEWARE` chooses and orders. */
  readonly middleware?: readonly Middleware[];
  /** Sees each request to the content app before it is answered. */
  readonly onDownload?: (ctx: Ctx) => (request: IncomingMessage, response: ServerResponse) => void;
  /** What it counts. */
  readonly meter?: (ctx: Ctx) => Meter;
  /** Its own settings. */
  readonly settings?: SettingSpecs;
}

/** Keeps the type and checks nothing at run time: what is not listed here does not exist. */
export const definePlugin = (plugin: Plugin): Plugin => plugin;
