import type { Ctx, DomainRef } from "../ctx.ts";
import { remoteErrors } from "./errors.ts";
import { type RemoteRow, remoteById } from "./queries.ts";
import { httpOptions, retriesOf } from "./rules.ts";
import {
  type RemoteColumns,
  type RemoteSession,
  SECRET_COLUMNS,
  type SecretColumn,
} from "./types.ts";

/**
 * Opens the connections to the upstream of a remote.
 *
 * @param remote its id, or its row if that is at hand.
 */
export async function openRemote(
  ctx: Ctx,
  domain: DomainRef,
  remote: string | RemoteRow,
): Promise<RemoteSession> {
  const row = typeof remote === "string" ? await remoteById(ctx.db, domain, remote) : remote;
  if (row === undefined) throw remoteErrors.notFound(String(remote));
  const { id, url, policy, type } = row;
  const secrets = openSecrets(ctx, row);
  const speaker = ctx.plugins.all
    .flatMap(({ remoteTypes = [] }) => remoteTypes)
    .find((each) => each.type === type);
  if (!speaker) return openSession(ctx, { ...row, ...secrets, id, url, policy });
  const { username, password, ...others } = secrets;
  const anonymous = { username: null, password: null };
  const plain = openSession(ctx, { ...row, ...others, ...anonymous, id, url, policy });
  return speaker.session(ctx, plain, username ? { username, password: password ?? "" } : undefined);
}

/** The same for a remote that is not stored: `downloader_config` of a content creation. */
export function openSession(
  ctx: Pick<Ctx, "http">,
  remote: RemoteColumns & Pick<RemoteRow, "id" | "url" | "policy">,
): RemoteSession {
  const options = httpOptions(remote);
  const client = ctx.http.client(options);
  return {
    id: remote.id,
    url: remote.url,
    policy: remote.policy,
    maxRetries: options.origin === "file://" ? 0 : retriesOf(remote),
    concurrency: options.concurrency,
    get: (url, request) => client.get(url, request),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** The secrets of a remote in plain text. */
export function openSecrets(
  ctx: Pick<Ctx, "secrets">,
  row: Pick<RemoteRow, SecretColumn>,
): Partial<Record<SecretColumn, string | null>> {
  const opened = SECRET_COLUMNS.map((column) => {
    const token = row[column];
    return [column, token === null ? null : ctx.secrets.open(token)];
  });
  return Object.fromEntries(opened);
}
