/** Roles on a whole domain, made of what every component has (service §5.4). */
export const DOMAIN_ADMIN = "service.domain_admin";
export const DOMAIN_VIEWER = "service.domain_viewer";

export const isView = (permission: string): boolean =>
  permission.split(".")[1]?.startsWith("view") === true;
