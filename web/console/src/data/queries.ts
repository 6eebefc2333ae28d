/** What the screens ask for. The first word of a key names the family, so that an event can renew it. */
import { queryOptions } from "@tanstack/react-query";
import { api, body } from "../api/client";
import type { Tag } from "../api/types";

/** As many as a page of the API holds. */
export const MOST = 200;

export function assistantsQuery(workspace: string) {
  return queryOptions({
    queryKey: ["assistants", workspace],
    queryFn: async () => body(await api.GET("/api/v1/assistants", { params: { query: { limit: MOST } } })).items,
  });
}

export function templatesQuery(workspace: string) {
  return queryOptions({
    queryKey: ["templates", workspace],
    queryFn: async () => body(await api.GET("/api/v1/assistants/templates")).items,
    staleTime: Infinity,
  });
}

export function statsQuery(workspace: string, assistant: string) {
  return queryOptions({
    queryKey: ["stats", workspace, assistant],
    queryFn: async () => body(await api.GET("/api/v1/assistants/{id}/stats", { params: { path: { id: assistant } } })),
  });
}

export function channelsQuery(workspace: string) {
  return queryOptions({
    queryKey: ["channels", workspace],
    queryFn: async () => body(await api.GET("/api/v1/channels", { params: { query: { limit: MOST } } })).items,
  });
}

/** A workspace has at most 500. */
export function tagsQuery(workspace: string) {
  return queryOptions({
    queryKey: ["tags", workspace],
    staleTime: 60_000,
    queryFn: async () => {
      const all: Tag[] = [];
      let cursor: string | undefined;
      do {
        const query = { limit: MOST, ...(cursor === undefined ? {} : { cursor }) };
        const page = body(await api.GET("/api/v1/tags", { params: { query } }));
        all.push(...page.items);
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
      return all.sort((one, other) => one.name.localeCompare(other.name));
    },
  });
}

export function membersQuery(workspace: string) {
  return queryOptions({
    queryKey: ["members", workspace],
    queryFn: async () => body(await api.GET("/api/v1/members", { params: { query: { limit: MOST } } })).items,
  });
}

export function invitationsQuery(workspace: string) {
  return queryOptions({
    queryKey: ["invitations", workspace],
    queryFn: async () => body(await api.GET("/api/v1/invitations", { params: { query: { limit: MOST } } })).items,
  });
}
