import { ValidationError } from "#base/errors.ts";
import type { Rights, RoleObject } from "../access/types.ts";
import type { PolicyBook } from "./book.ts";
import type { Facts } from "./facts.ts";
import { parseCondition } from "./rules.ts";
import type { CheckQuestion } from "./types.ts";

/** What a condition is asked with. */
export interface Asked {
  readonly rights: Rights;
  readonly facts: Facts;
}

type Check = (asked: Asked, argument: string) => Promise<boolean> | boolean;
/** Where a permission may come from besides the object itself. */
type Scope = (asked: Asked, permission: string) => boolean;
/** The object that a condition is about; undefined where none is given, which is nothing to forbid. */
type Subject = (facts: Facts) => Promise<RoleObject | undefined>;

const onModel: Scope = ({ rights }, permission) => rights.onModel(permission);
const onDomain: Scope = ({ rights }, permission) => rights.onDomain(permission);
const never: Scope = () => false;
const onModelOrDomain: Scope = (asked, permission) =>
  onModel(asked, permission) || onDomain(asked, permission);

/** Ends of the names of conditions about objects: which levels count besides the object. */
const LEVELS: Readonly<Record<string, Scope>> = {
  obj: never,
  model_or_obj: onModel,
  domain_or_obj: onDomain,
  model_or_domain_or_obj: onModelOrDomain,
};

const repositoryParameter: Subject = async (facts) =>
  (await facts.parameter("repository")) ?? (await facts.parameter("repository_version"));

/** Middle of the name → whom it asks about (core-rest §7.2). */
const SUBJECTS: Readonly<Record<string, Subject>> = {
  "": (facts) => facts.object(),
  remote_param_: (facts) => facts.parameter("remote"),
  repo_attr_: (facts) => facts.attribute("repository"),
  repository_: (facts) => facts.parent(),
  group_: (facts) => facts.parent(),
  repo_or_repo_ver_param_: repositoryParameter,
  publication_param_: (facts) => facts.parameter("publication"),
  upload_param_: (facts) => facts.parameter("upload"),
};

/** Any of the permissions, at one of the levels or on the object. */
function objectCheck(subject: Subject, scope: Scope): Check {
  return async (asked, argument) => {
    const permissions = argument.split(",").map((one) => one.trim());
    if (permissions.some((permission) => scope(asked, permission))) return true;
    const object = await subject(asked.facts);
    return object === undefined || asked.rights.onObject(permissions, object);
  };
}

const objectChecks = Object.entries(SUBJECTS).flatMap(([middle, subject]) =>
  Object.entries(LEVELS).map(
    ([end, scope]) => [`has_${middle}${end}_perms`, objectCheck(subject, scope)] as const,
  ),
);

const NO_REPOSITORY = "Destination upload repository was not provided.";
const NO_LABELS =
  "pulp_labels cannot be specified by users who do not have the core.manage_labels permission.";

/** Uploads of content go into a repository that the user may change. */
const repositoryOnUpload: Check = async ({ rights, facts }, permission) => {
  if (rights.isSuperuser) return true;
  const repository = await facts.parameter("repository");
  if (!repository) throw new ValidationError([NO_REPOSITORY]);
  const asked = { rights, facts };
  const mayLabel = onModelOrDomain(asked, "core.manage_content_labels");
  if (!mayLabel && (await facts.isGiven("pulp_labels"))) throw new ValidationError([NO_LABELS]);
  return onModelOrDomain(asked, permission) || rights.onObject([permission], repository);
};

const CONDITIONS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["has_model_perms", onModel],
  ["has_domain_perms", onDomain],
  ["has_model_or_domain_perms", onModelOrDomain],
  ["has_required_repo_perms_on_upload", repositoryOnUpload],
  ...objectChecks,
]);

/** Why a text is no condition; undefined if it is one. */
export function conditionProblem(book: PolicyBook, text: string): string | undefined {
  const { name, argument } = parseCondition(book.meaningOf(text));
  if (!CONDITIONS.has(name) && !book.checkOf(name)) return `There is no condition '${name}'.`;
  if (argument === "") return `Condition '${name}' needs a permission: '${name}:core.view_task'.`;
  return undefined;
}

/** Whether a condition holds; one that nobody knows never does. */
export async function holds(
  book: PolicyBook,
  question: CheckQuestion,
  text: string,
): Promise<boolean> {
  const { name, argument } = parseCondition(book.meaningOf(text));
  if (question.rights.isSuperuser && name !== "has_required_repo_perms_on_upload") return true;
  const check = CONDITIONS.get(name);
  if (check) return check(question, argument);
  return (await book.checkOf(name)?.(question, argument)) ?? false;
}

export const conditionNames = (): readonly string[] => [...CONDITIONS.keys()];
