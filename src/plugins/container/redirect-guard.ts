/** Guard of addresses that are signed for an hour: every domain gets its own when it is needed. */
export const REDIRECT_GUARD = { type: "core.content_redirect", name: "content redirect" };
