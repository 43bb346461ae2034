import { lenientBase64 } from "#base/lenient-base64.ts";
import { rawHeaderValues } from "#base/raw-headers.ts";
import { type Soon, soon } from "#base/soon.ts";
import type { GuardHandler } from "#sdk";
import { type Ctx, contentGuardResource, type EntityModel, FieldProblem, list, text } from "#sdk";
import { serviceSettingsOf } from "../settings.ts";
import { type FeatureQuestion, featureQuestion, featuresOf } from "./check.ts";

export const FEATURE_GUARD = {
  family: "content_guard",
  type: "service.feature",
  model: "service.FeatureContentGuard",
  path: "contentguards/service/feature",
} as const satisfies EntityModel;

const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]{1,200}$/;
const MAX_FEATURES = 50;

function checkHeaderName(name: string): string {
  if (!HEADER_NAME.test(name)) throw new FieldProblem("Enter the name of a header.");
  return name;
}

function checkFeatures(features: readonly unknown[]): readonly unknown[] {
  const isGood = features.every((one) => typeof one === "string" && one.trim() !== "");
  if (!isGood) throw new FieldProblem("Not a valid string.");
  if (features.length === 0) throw new FieldProblem("This list may not be empty.");
  if (features.length > MAX_FEATURES) {
    throw new FieldProblem(`Ensure this field has no more than ${MAX_FEATURES} elements.`);
  }
  return features;
}

async function checkFilter(filter: string, { ctx }: { readonly ctx: Ctx }): Promise<string> {
  const problem = await ctx.jq.problem(filter);
  if (problem !== undefined) throw new FieldProblem(`Invalid jq filter: ${problem}`);
  return filter;
}

/** Guards by features of an account that a header names (service §8.1). */
export const featureGuardResource = contentGuardResource({
  label: "service",
  type: FEATURE_GUARD.type,
  model: "FeatureContentGuard",
  path: FEATURE_GUARD.path,
  title: "feature content guard",
  detail: "service_feature_guard",
  fields: {
    header_name: text({ required: true, check: checkHeaderName }),
    jq_filter: text({ nullable: true, check: checkFilter }),
    features: list({ type: "string" }, { required: true, check: checkFeatures }),
  },
  hasRoles: true,
});

interface Rule {
  readonly header_name: string;
  readonly jq_filter: string | null;
  readonly features: readonly string[];
}

const ruleOf = {
  name: "rule of a feature guard",
  text: "select header_name, jq_filter, features from service_feature_guard where domain = $1 and id = $2",
};

/** Nothing is told of why. */
const DENIED = "Access denied.";

type GuardRef = Parameters<GuardHandler["refusal"]>[1];

/** Accounts that are remembered for one guard. */
const MAX_ACCOUNTS = 1000;

/** A rule as it was read, and what headers ask under it. */
interface Warm {
  readonly rule: Rule;
  /** In small letters. */
  readonly headerName: string;
  /** By header; undefined where it names no account. */
  readonly questions: Map<string, FeatureQuestion | undefined>;
}

/**
 * By the reference of one match. The content app forgets its matches when a guard changes, so what
 * hangs on them is as fresh as they are; whoever asks with a reference of its own reads the rule.
 */
const warm = new WeakMap<GuardRef, Warm>();

/** Permits whoever has every feature of the guard; what cannot be found out is refused. */
export const featureGuard: GuardHandler = {
  type: FEATURE_GUARD.type,
  refusal(ctx, guard, { domain, rawHeaders }) {
    const known = warm.get(guard) ?? readRule(ctx, domain.num, guard);
    return soon(known, (rule) => (rule ? verdict(ctx, rule, rawHeaders) : DENIED));
  },
};

async function readRule(ctx: Ctx, domain: number, guard: GuardRef): Promise<Warm | undefined> {
  const [rule] = await ctx.hot.query<Rule>(ruleOf, [domain, guard.id]);
  if (rule === undefined) return undefined;
  const read = { rule, headerName: rule.header_name.toLowerCase(), questions: new Map() };
  warm.set(guard, read);
  return read;
}

function verdict(ctx: Ctx, known: Warm, rawHeaders: readonly string[]): Soon<string | undefined> {
  const [sent, ...more] = rawHeaderValues(rawHeaders, known.headerName);
  if (sent === undefined || more.length > 0 || sent.length > MAX_HEADER) return DENIED;
  const { questions } = known;
  const asked = questions.has(sent) ? questions.get(sent) : questionIn(ctx, sent, known);
  return soon(asked, (question) => {
    if (question === undefined) return DENIED;
    return soon(featuresOf(ctx).check(question), (isAllowed) => (isAllowed ? undefined : DENIED));
  });
}

/** Longest header that is looked into, characters. */
const MAX_HEADER = 16_384;
/** Longer ones are looked into each time, so that memory is bounded. */
const MAX_REMEMBERED = 2048;

async function questionIn(
  ctx: Ctx,
  sent: string,
  { rule, questions }: Warm,
): Promise<FeatureQuestion | undefined> {
  const account = await accountOf(ctx, sent, rule);
  const question = account === undefined ? undefined : featureQuestion(account, rule.features);
  const isTold = serviceSettingsOf(ctx).AUTHENTICATION_HEADER_DEBUG;
  if (isTold || sent.length > MAX_REMEMBERED) return question;
  if (questions.size >= MAX_ACCOUNTS) questions.clear();
  questions.set(sent, question);
  return question;
}

async function accountOf(
  ctx: Ctx,
  sent: string,
  { jq_filter: filter }: Rule,
): Promise<string | undefined> {
  const json = lenientBase64(sent)?.toString() ?? "";
  if (!isJson(json)) return undefined;
  if (serviceSettingsOf(ctx).AUTHENTICATION_HEADER_DEBUG)
    ctx.log.info(`Header of a guard: ${json}`);
  if (filter === null) return json;
  const found = await ctx.jq.first(filter, json);
  if (found.kind !== "value") return undefined;
  const { value } = found;
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

function isJson(json: string): boolean {
  try {
    JSON.parse(json);
    return true;
  } catch {
    return false;
  }
}
