/** Address of one path of an alternate source; no path is the address of the remote itself. */
export const pathUrl = (remoteUrl: string, path: string): string =>
  path === "" ? remoteUrl : `${remoteUrl.replace(/\/+$/, "")}/${path}`;

/** Name of the hidden repository of one path (core-content §13). */
export const hiddenName = (acs: string, pathId: string): string => `${acs}--${pathId}--repository`;
