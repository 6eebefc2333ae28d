import { queryOptions } from "@tanstack/react-query";
import { api, body } from "../api/client";
import type { Canned } from "./find";

/** As many as a page of the API holds; a workspace has at most a thousand. */
const PAGE = 200;

export function cannedQuery(workspace: string) {
  return queryOptions({
    queryKey: ["canned", workspace],
    staleTime: 60_000,
    queryFn: async () => {
      const all: Canned[] = [];
      let cursor: string | undefined;
      do {
        const page = body(
          await api.GET("/api/v1/canned-replies", {
            params: { query: { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) } },
          }),
        );
        all.push(...page.items);
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
      return all;
    },
  });
}
