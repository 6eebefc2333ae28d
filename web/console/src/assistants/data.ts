import { queryOptions } from "@tanstack/react-query";
import { api, body } from "../api/client";
import { MOST } from "../data/queries";

/** An assistant, with the tag that says which state of it this is. */
export function assistantQuery(workspace: string, id: string) {
  return queryOptions({
    queryKey: ["assistant", workspace, id],
    queryFn: async () => {
      const answer = await api.GET("/api/v1/assistants/{id}", { params: { path: { id } } });
      return { draft: body(answer), tag: answer.response.headers.get("etag") ?? "" };
    },
  });
}

export function versionsQuery(workspace: string, id: string) {
  return queryOptions({
    queryKey: ["versions", workspace, id],
    queryFn: async () =>
      body(await api.GET("/api/v1/assistants/{id}/versions", { params: { path: { id }, query: { limit: 100 } } })).items,
  });
}

export function pauseQuery(workspace: string, id: string) {
  return queryOptions({
    queryKey: ["pause", workspace, id],
    queryFn: async () => body(await api.GET("/api/v1/assistants/{id}/pause", { params: { path: { id } } })),
  });
}

export function modelsQuery(workspace: string) {
  return queryOptions({
    queryKey: ["models", workspace],
    queryFn: async () => body(await api.GET("/api/v1/models")).items,
    staleTime: 60_000,
  });
}

export function setsQuery(workspace: string, id: string) {
  return queryOptions({
    queryKey: ["sets", workspace, id],
    queryFn: async () =>
      body(await api.GET("/api/v1/assistants/{id}/question-sets", { params: { path: { id }, query: { limit: MOST } } })).items,
  });
}

export function runsQuery(workspace: string, set: string) {
  return queryOptions({
    queryKey: ["runs", workspace, set],
    queryFn: async () =>
      body(await api.GET("/api/v1/question-sets/{id}/runs", { params: { path: { id: set }, query: { limit: 50 } } })).items,
  });
}
