import type { components } from "../api/schema";

export type Role = components["schemas"]["Role"];

/** The highest first. */
export const ROLES: readonly Role[] = ["owner", "admin", "operator", "viewer"];

/** Nobody gives a role above their own. */
export function rolesBelow(own: Role | null): readonly Role[] {
  return own === null ? [] : ROLES.slice(ROLES.indexOf(own));
}
