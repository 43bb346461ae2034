import {
  type Action,
  acsResource,
  boolean,
  checkpointField,
  contentResource,
  defineResource,
  dispatch,
  distributionResource,
  integer,
  labelActions,
  publicationResource,
  publishedFields,
  relation,
  remoteResource,
  repositoryResource,
  roleActions,
  syncAction,
  text,
  versionsOf,
} from "#sdk";
import { fileContentType } from "./content.ts";
import { publishFiles, syncFiles } from "./tasks.ts";
