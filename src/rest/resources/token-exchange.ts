import { exchangeToken } from "#core/access/commands.ts";
import { datetime, list, text } from "../kit/fields.ts";
import { defineEndpoint, type Endpoint, type Fields } from "../kit/resource.ts";

/** Longest token that anybody may send us, in characters. */
const MAX_LENGTH = 16_384;

export const exchangedTokenSchema: Fields = {
  token: text({ readOnly: true }),
  user: text({ readOnly: true }),
  scopes: list({ type: "string" }, { readOnly: true }),
  domains: list({ type: "string" }, { readOnly: true, mayBeNull: true }),
  objects: list({ type: "string" }, { readOnly: true, mayBeNull: true }),
  expires: datetime({ readOnly: true }),
};

/** Gives jobs of a trusted CI a token for an hour at most, so that no secret has to be stored there. */
export const tokenExchange: Endpoint = defineEndpoint({
  path: "tokens/exchange",
  method: "POST",
  label: "core",
  operationId: "tokens_exchange",
  tag: "Tokens",
  title: "Exchange an OpenID Connect token for an API token",
  isPublic: true,
  isDetached: true,
  body: {
    schema: "ApiTokenExchange",
    fields: {
      token: text({ required: true, writeOnly: true }, { maxLength: MAX_LENGTH }),
      audience: text({}, { maxLength: 1000 }),
    },
  },
  answers: { 201: "ApiTokenExchangeResponse" },
  async run({ ctx, reply }, { token, audience }) {
    const shown = { token: String(token) };
    const made = await exchangeToken(
      ctx,
      typeof audience === "string" ? { ...shown, audience } : shown,
    );
    const { username: user, scope, expires } = made;
    reply.header("cache-control", "no-store");
    const { permissions, domains = null, objects = null } = scope;
    const lists = { scopes: [...permissions], domains: copy(domains), objects: copy(objects) };
    return { kind: "json", status: 201, body: { token: made.token, user, ...lists, expires } };
  },
});

const copy = (words: readonly string[] | null): string[] | null => (words ? [...words] : null);
