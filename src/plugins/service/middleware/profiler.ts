import { Session } from "node:inspector/promises";
import { pipeline } from "node:stream/promises";
import { type Call, type Plugin, saveArtifacts } from "#sdk";

type Middleware = NonNullable<Plugin["middleware"]>[number];

/** One profile at a time: profiles of requests beside each other would tell of each other. */
let isBusy = false;

/**
 * Requests of administrators with `X-Profile-Request` are profiled; the profile becomes an artifact
 * of the domain, and the answer tells its address (service §12.1, 4).
 */
export const profileRequests: Middleware["attach"] = (ctx, { app, whenPermitted }) => {
  const running = new WeakMap<object, { readonly call: Call; readonly session: Session }>();
  whenPermitted(async (call) => {
    const { request, caller } = call;
    if (request.headers["x-profile-request"] === undefined || !caller.user?.isSuperuser) return;
    if (isBusy) return;
    isBusy = true;
    const session = new Session();
    session.connect();
    call.reply.raw.once("close", () => end(session));
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
    running.set(request, { call, session });
  });
  app.addHook("onSend", async (request, reply, payload) => {
    const profiled = running.get(request);
    if (!profiled) return payload;
    running.delete(request);
    try {
      const { profile } = await profiled.session.post("Profiler.stop");
      const url = await keep(profiled.call, Buffer.from(JSON.stringify(profile)));
      ctx.log.info(`Profile data URL: ${url}`);
      reply.header("x-profile-url", url);
    } catch (error) {
      ctx.log.warn(`A profile was lost: ${(error as Error).message}`);
    }
    return payload;
  });
};

function end(session: Session): void {
  session.disconnect();
  isBusy = false;
}

/** Address of the artifact with these bytes. */
async function keep({ ctx, caller, view }: Call, bytes: Buffer): Promise<string> {
  const { domain } = caller;
  await using file = await ctx.storage(domain).beginFile();
  await pipeline([bytes], file.sink);
  const sealed = await file.seal();
  const [saved] = await saveArtifacts(ctx, domain, [{ file, sealed }]);
  const place = view.domainEnabled ? `${domain.name}/` : "";
  return `${view.origin}${view.root}${place}api/v3/artifacts/${saved?.id}/`;
}
