import { useInfiniteQuery, useQueryClient, type InfiniteData } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { api, body } from "../api/client";
import type { Dialog } from "../api/types";
import { useStore, type Store } from "../live/store";
import { listed, order, rank, type Filters, type View } from "./views";

interface Page {
  readonly horizon: number;
  readonly next: string | null;
}

export interface Dialogs {
  readonly items: readonly Dialog[];
  readonly isLoading: boolean;
  readonly failure: unknown;
  readonly hasMore: boolean;
  readonly isLoadingMore: boolean;
  more(): void;
  retry(): void;
}

/** The dialogs of a view: pages that the server listed, kept in step by the events since. */
export function useDialogs(store: Store, view: View, filters: Filters, me: string): Dialogs {
  const client = useQueryClient();
  const generation = useStore(store, (state) => state.generation);
  const dialogs = useStore(store, (state) => state.dialogs);
  const queryKey = ["dialogs", store.workspace, view, filters];

  const query = useInfiniteQuery<Page, unknown, InfiniteData<Page>, unknown[], string | null>({
    queryKey,
    initialPageParam: null,
    queryFn: async ({ pageParam, signal }) => {
      const asked = store.state.lastEvent;
      const answer = await api.GET("/api/v1/dialogs", {
        signal,
        params: {
          query: {
            view,
            order: order(view),
            limit: 50,
            ...(pageParam === null ? {} : { cursor: pageParam }),
            ...(filters.assistant ? { assistant_id: filters.assistant } : {}),
            ...(filters.channel ? { channel_id: filters.channel } : {}),
            ...(filters.tag ? { tag: filters.tag } : {}),
            ...(filters.unread ? { unread: true } : {}),
          },
        },
      });
      const { items, next_cursor: next } = body(answer);
      store.listed(items, asked);
      const last = items.at(-1);
      return { horizon: last && next ? rank(view, last) : Infinity, next: next ?? null };
    },
    getNextPageParam: (last) => last.next,
    staleTime: Infinity,
  });

  useEffect(() => {
    if (generation > 0) void client.invalidateQueries({ queryKey: ["dialogs", store.workspace] });
  }, [client, generation, store.workspace]);

  const horizon = query.data?.pages.at(-1)?.horizon;
  const { assistant, channel, tag, unread } = filters;
  const items = useMemo(() => {
    if (horizon === undefined) return [];
    const wanted = { assistant, channel, tag, unread };
    return listed(dialogs.values(), view, wanted, me, horizon);
  }, [dialogs, view, assistant, channel, tag, unread, me, horizon]);

  return {
    items,
    isLoading: query.isPending,
    failure: query.data ? null : query.error,
    hasMore: query.hasNextPage,
    isLoadingMore: query.isFetchingNextPage,
    more: () => {
      if (query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage();
    },
    retry: () => void query.refetch(),
  };
}
