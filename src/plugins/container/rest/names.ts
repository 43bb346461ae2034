/** What every resource of the plugin says of itself. */
export const names = (model: string, path: string, options: { title: string; type: string }) => ({
  ...{ label: "container", model, path },
  ...options,
});
