import { boolean, type Call, type Plugin, tenancy, text, type Values } from "#sdk";
import { linkDomain } from "../access/tenants.ts";
import { callerOrganisation } from "../identity/claims.ts";
import { groupFor } from "./group.ts";
import { answered, NO_NAME, NO_TEMPLATE, Refusal, TEMPLATE } from "./refusal.ts";
import { refuseReserved } from "./reserved-names.ts";

export type Endpoint = NonNullable<Plugin["endpoints"]>[number];

/** A domain of one's own, with the store of the template (service §6.1). */
export const createDomain: Endpoint = {
  path: "/api/pulp/create-domain/",
  policy: "domains/create",
  method: "POST",
  label: "service",
  operationId: "create_domain",
  tag: "Api: Create-Domain",
  isDescribed: true,
  title: "Create domain",
  body: {
    schema: "CreateDomain",
    // What of a domain is the template's to say is not looked at.
    isLenient: true,
    fields: {
      name: text(
        { absent: () => undefined },
        { maxLength: 50, pattern: "^[-a-zA-Z0-9_]+$", title: "slug" },
      ),
      description: text({ nullable: true }),
      redirect_to_object_storage: boolean({ default: true }),
      hide_guarded_distributions: boolean({ default: false }),
      group_name: text({}, { maxLength: 150 }),
    },
  },
  answers: { 201: "DomainResponse" },
  run: (call, values) => answered(() => create(call, values)),
};

async function create(call: Call, values: Values) {
  const { ctx, caller } = call;
  const { user } = caller;
  const { name, group_name: given } = values;
  if (user === null) throw new Refusal(403, "Nobody asks.");
  if (typeof name !== "string") throw new Refusal(400, NO_NAME);
  refuseReserved(name);
  const id = await tenancy.inTransaction(ctx, undefined, async (trx) => {
    const template = await tenancy.domainWithStore(ctx, TEMPLATE, trx);
    if (!template) throw new Refusal(500, NO_TEMPLATE);
    // The name is taken first: nobody joins the group of a domain that is somebody else's.
    const domain = await tenancy.createDomain(
      ctx,
      { ...wanted(name, values), store: template.store },
      trx,
    );
    const group = await groupFor(ctx, trx, {
      given: typeof given === "string" ? given : undefined,
      domain: name,
      user,
    });
    await linkDomain(trx, { domain, organisation: callerOrganisation(caller), group });
    const object = { model: "core.domain", id: domain, domain: 0 };
    await tenancy.runCreationHooks(ctx, trx, { caller, viewset: "domains/create", object });
    return domain;
  });
  tenancy.announceUserChange(ctx);
  return { kind: "object", of: "domains", id, status: 201 } as const;
}

const wanted = (name: string, values: Values) => ({
  name,
  ...(typeof values.description === "string" ? { description: values.description } : {}),
  redirectsToStore: values.redirect_to_object_storage === true,
  hidesGuarded: values.hide_guarded_distributions === true,
});
