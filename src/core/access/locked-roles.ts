/** Roles that ship, as data: made again at every start, never edited (core-rest §7.3). */
interface RoleModel {
  /** `core.task`: component and model, as in a PRN. */
  readonly model: string;
  /** Permissions of the model besides add, change, delete, view and manage_roles. */
  readonly extras?: readonly string[];
  /** End of the role's name after the model → verbs or whole permission names. */
  readonly roles: Readonly<Record<string, readonly string[]>>;
}

const OWNER = ["view", "change", "delete", "manage_roles"] as const;
const standard = { creator: ["add"], owner: OWNER, viewer: ["view"] } as const;

const MODELS: readonly RoleModel[] = [
  {
    model: "core.task",
    extras: ["core.view_task_profile_artifacts"],
    roles: {
      owner: [...OWNER, "core.view_task_profile_artifacts"],
      viewer: ["view"],
      user_dispatcher: ["add"],
    },
  },
  { model: "core.taskschedule", roles: { owner: ["view", "manage_roles"], viewer: ["view"] } },
  { model: "core.upload", roles: standard },
  { model: "core.domain", roles: standard },
  { model: "core.group", roles: standard },
  {
    model: "core.content",
    extras: ["core.manage_content_labels"],
    roles: { labeler: ["core.manage_content_labels"] },
  },
  {
    model: "core.rbaccontentguard",
    extras: ["core.download_rbaccontentguard"],
    roles: { ...standard, downloader: ["download"] },
  },
  { model: "core.contentredirectcontentguard", roles: standard },
  { model: "core.headercontentguard", roles: standard },
  { model: "core.compositecontentguard", roles: standard },
  {
    model: "file.filerepository",
    extras: [
      "file.sync_filerepository",
      "file.modify_filerepository",
      "file.repair_filerepository",
    ],
    roles: { ...standard, owner: [...OWNER, "sync", "modify", "repair"] },
  },
  { model: "file.fileremote", roles: standard },
  { model: "file.filegitremote", roles: standard },
  {
    model: "file.filepublication",
    roles: { ...standard, owner: ["view", "delete", "manage_roles"] },
  },
  { model: "file.filedistribution", roles: standard },
  {
    model: "file.filealternatecontentsource",
    extras: ["file.refresh_filealternatecontentsource"],
    roles: { ...standard, owner: [...OWNER, "refresh"] },
  },
];

/** Roles whose name does not begin with a model that has the standard ones. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  "file.file_uploader": ["file.upload_files"],
};

const STANDARD_VERBS = ["add", ...OWNER] as const;

const permission = (model: string, verb: string): string =>
  verb.includes(".") ? verb : model.replace(".", `.${verb}_`);

/** Every permission that means something on an object of the model: `core.view_task`, … */
export function modelPermissions(model: string): readonly string[] {
  const extras = MODELS.find((known) => known.model === model)?.extras ?? [];
  return [...STANDARD_VERBS.map((verb) => permission(model, verb)), ...extras];
}

/** Models whose objects carry roles, of the components given. */
export const roleModels = (labels: ReadonlySet<string>): readonly string[] =>
  MODELS.map(({ model }) => model).filter((model) => labels.has(labelOf(model)));

/** Role name → its permissions, of the components given. */
export function lockedRoles(labels: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
  const all = MODELS.flatMap(({ model, roles }) =>
    Object.entries(roles).map(
      ([end, verbs]) => [`${model}_${end}`, verbs.map((verb) => permission(model, verb))] as const,
    ),
  );
  return new Map([...all, ...Object.entries(OTHERS)].filter(([name]) => labels.has(labelOf(name))));
}

const labelOf = (name: string): string => name.slice(0, name.indexOf("."));
