import type { CorePlugin, Ctx, RemoteSession } from "#sdk";
import { readChallenges, tokenQuestion } from "./challenge.ts";
import { scopeOf } from "./names.ts";
import { basic, type Credentials, type TokenOwner, upstreamTokens } from "./tokens.ts";
import type { UpstreamAnswer } from "./whole-body.ts";

type RemoteType = NonNullable<CorePlugin["remoteTypes"]>[number];
type Request = NonNullable<Parameters<RemoteSession["get"]>[1]>;

/**
 * A session that answers the challenges of a registry (plugin-container §5, "Upstream auth"): it
 * asks without credentials, and once more with a token or the password if it is told to.
 */
export function registrySession(
  ctx: Ctx,
  plain: RemoteSession,
  credentials: Credentials | undefined,
): RemoteSession {
  const owner: TokenOwner = { remote: plain, credentials };
  const get = async (url: string, request: Request = {}): Promise<UpstreamAnswer> => {
    // Another server got no challenge answered, and gets nothing of ours.
    if (!isBelow(url, plain.url)) return plain.get(url, request);
    const scope = scopeOf(url);
    const known = upstreamTokens(ctx).known(owner, scope);
    const first = await plain.get(
      url,
      known === undefined ? request : withAuth(request, `Bearer ${known}`),
    );
    if (first.status !== 401) return first;
    const authorization = await answerTo(ctx, owner, { first, scope, known });
    if (authorization === undefined) return first;
    first.body.destroy();
    return plain.get(url, withAuth(request, authorization));
  };
  return {
    id: plain.id,
    url: plain.url,
    policy: plain.policy,
    maxRetries: plain.maxRetries,
    concurrency: plain.concurrency,
    get,
    [Symbol.asyncDispose]: () => plain[Symbol.asyncDispose](),
  };
}

/** Remotes of registries, also where the content app or a repair fetches from them. */
export const registryRemotes: readonly RemoteType[] = [
  { type: "container.container", session: registrySession },
  { type: "container.pull-through", session: registrySession },
];

async function answerTo(
  ctx: Ctx,
  owner: TokenOwner,
  asked: {
    readonly first: UpstreamAnswer;
    readonly scope: string;
    readonly known: string | undefined;
  },
): Promise<string | undefined> {
  const { first, scope, known } = asked;
  // Who was only redirected to is not the registry, and gets no password of it.
  if (!isBelow(first.url, owner.remote.url)) return undefined;
  const challenges = readChallenges(first.headers["www-authenticate"] ?? "");
  const question = tokenQuestion(challenges, { url: first.url, scope });
  if (question) {
    // The place that this answer holds may be the only one that the remote has.
    first.body.destroy();
    return `Bearer ${await upstreamTokens(ctx).get(owner, question, { scope, refused: known })}`;
  }
  const isBasic = challenges.some((each) => each.scheme === "basic");
  return isBasic && owner.credentials ? basic(owner.credentials) : undefined;
}

const isBelow = (url: string, root: string): boolean =>
  URL.canParse(url) && URL.canParse(root) && new URL(url).origin === new URL(root).origin;

const withAuth = (request: Request, authorization: string): Request => ({
  ...request,
  headers: { ...request.headers, authorization },
});
