/** What every resource of the plugin is told of itself. */
export const names = <Type extends string = "python.python">(
  model: string,
  path: string,
  title: string,
  type: Type = "python.python" as Type,
) => ({ label: "python", type, model, path, title }) as const;
