import { type Action, FieldProblem, text } from "#sdk";
import { canonicalDn } from "../identity/subject-dn.ts";
import { ruleErrors } from "./errors.ts";
import { mismatch } from "./evaluate.ts";
import { principalOf } from "./principal.ts";
import { ruleById } from "./rule-queries.ts";
import type { RuleAction } from "./types.ts";

function checkSubject(subject: string): string {
  if (canonicalDn(subject) === undefined) throw new FieldProblem("Enter a distinguished name.");
  return subject;
}

/** Whether a rule would be about a request of somebody (service §9.2). */
export const checkRule: Action = {
  name: "check",
  method: "POST",
  on: "object",
  body: {
    schema: "service.RHCertGuardCheck",
    fields: {
      subject_dn: text({ check: checkSubject }, { maxLength: 512 }),
      org_id: text({}, { maxLength: 150 }),
      path: text({ blank: true }, { maxLength: 4096 }),
      action: text({ default: "pull" }, { enum: ["pull", "push"] }),
    },
  },
  answers: { 200: "service.RHCertGuardCheckResponse" },
  async run({ ctx }, { subject_dn, org_id, path, action }, row) {
    const rule = await ruleById(ctx, String(row.$key));
    if (!rule) throw ruleErrors.gone();
    const given = (value: unknown) => (typeof value === "string" ? value : undefined);
    const problem = mismatch(rule, {
      principal: principalOf({ subject: given(subject_dn), organisation: given(org_id) }),
      action: action as RuleAction,
      path: given(path)?.replace(/^\/+|\/+$/g, ""),
      now: ctx.clock.now(),
    });
    const body =
      problem === undefined
        ? { matches: true, effect: rule.effect, reason: "The rule is about such requests." }
        : { matches: false, effect: null, reason: problem };
    return { kind: "json", status: 200, body };
  },
};
