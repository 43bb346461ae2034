import { OWNER_VERBS, STANDARD_ROLES } from "./crud.ts";
import type { AccessModel } from "./types.ts";

const plain = (model: string): AccessModel => ({ model: `core.${model}`, isPlain: true });
const globalPlain = (model: string): AccessModel => ({ ...plain(model), isGlobal: true });

/** What permissions of the core are about, and its locked roles (core-rest §7.1, §7.3). */
export const coreModels: readonly AccessModel[] = [
  {
    model: "core.task",
    extras: ["core.view_task_profile_artifacts"],
    roles: {
      owner: [...OWNER_VERBS, "core.view_task_profile_artifacts"],
      viewer: ["view"],
      user_dispatcher: ["add"],
    },
  },
  { model: "core.taskschedule", roles: { owner: ["view", "manage_roles"], viewer: ["view"] } },
  { model: "core.upload", roles: STANDARD_ROLES },
  { model: "core.domain", isGlobal: true, roles: STANDARD_ROLES },
  { model: "core.group", isGlobal: true, roles: STANDARD_ROLES },
  {
    model: "core.content",
    isPlain: true,
    extras: ["core.manage_content_labels"],
    roles: { labeler: ["core.manage_content_labels"] },
  },
  {
    model: "core.rbaccontentguard",
    extras: ["core.download_rbaccontentguard"],
    roles: { ...STANDARD_ROLES, downloader: ["download"] },
  },
  { model: "core.contentredirectcontentguard", roles: STANDARD_ROLES },
  { model: "core.headercontentguard", roles: STANDARD_ROLES },
  { model: "core.compositecontentguard", roles: STANDARD_ROLES },
  ...["artifact", "taskgroup", "vulnerabilityreport"].map(plain),
  ...["user", "role", "userrole", "grouprole", "accesspolicy", "appstatus"].map(globalPlain),
];
