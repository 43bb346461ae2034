import type { Ctx, DomainRef } from "#core/ctx.ts";
import { COMPOSITE_GUARD } from "#core/guards/models.ts";
import { compositeMembers } from "#core/guards/queries.ts";
import type { GuardMember } from "#core/guards/types.ts";
import type { GuardHandler } from "../contract.ts";
import { DENIED } from "../permit.ts";

/** Permits what one of its members permits; without members everything (core-content §6). */
export const compositeGuard: GuardHandler = {
  type: COMPOSITE_GUARD.type,
  async refusal(ctx, { id }, { domain, ask }) {
    const members = await compositeMembers(ctx, { domain: domain.num, id });
    if (members === undefined) return DENIED;
    if (members.length === 0) return undefined;
    const refusals: string[] = [];
    for (const member of members) {
      const reason = await ask(member);
      if (reason === undefined) return undefined;
      refusals.push(describe(ctx, domain, { member, reason }));
    }
    return `Access forbidden. Refusals: [${refusals.join(", ")}]`;
  },
};

/** `name (href, Class): reason` */
function describe(
  { settings, plugins }: Ctx,
  domain: DomainRef,
  { member, reason }: { readonly member: GuardMember; readonly reason: string },
): string {
  const { API_ROOT: root, DOMAIN_ENABLED: hasDomains } = settings;
  const { id, type, name } = member;
  const model = plugins.entities("content_guard").find((entity) => entity.type === type);
  const path = model?.path ?? `contentguards/${type.replace(".", "/")}`;
  const href = `${root}${hasDomains ? `${domain.name}/` : ""}api/v3/${path}/${id}/`;
  const className = (model?.model ?? type).split(".").at(-1);
  return `"${name} (${href}, ${className}): ${reason}"`;
}
