/** Who is signed in, and where they may work. */
import { queryOptions } from "@tanstack/react-query";
import { api, body } from "../api/client";
import type { Permission } from "../api/types";

export const workspacesQuery = queryOptions({
  queryKey: ["workspaces"],
  queryFn: async () => {
    const answer = await api.GET("/api/v1/workspaces");
    return body(answer).items;
  },
  staleTime: 60_000,
});

/** The caller, as they are in a workspace. */
export function meQuery(workspace: string) {
  return queryOptions({
    queryKey: ["me", workspace],
    queryFn: async () => body(await api.GET("/api/v1/me")),
    staleTime: 60_000,
  });
}

export function may(permissions: readonly Permission[] | undefined, permission: Permission): boolean {
  return permissions?.includes(permission) ?? false;
}

/** The workspace that was open last. */
export const LAST_WORKSPACE = "rx-workspace";
