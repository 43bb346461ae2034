import type { CheckQuestion } from "#sdk";

/** Whether somebody holds a permission on what the body names; nothing named is nothing to forbid. */
export const onNamed =
  (parameter: string) =>
  async ({ rights, facts }: CheckQuestion, verb: string): Promise<boolean> => {
    const object = await facts.parameter(parameter);
    if (!object) return true;
    const permission = object.model.replace(".", `.${verb}_`);
    if (rights.onModel(permission) || rights.onDomain(permission)) return true;
    return rights.onObject([permission], object);
  };
