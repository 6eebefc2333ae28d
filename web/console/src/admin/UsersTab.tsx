import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body } from "../api/client";
import type { components } from "../api/schema";
import { t } from "../i18n";
import { useWork } from "../shell/context";
import { Confirm, Loaded, Nothing, page as css, Section, State, When } from "../ui/page";
import { Button } from "../ui/ui";
import { Search } from "./Search";

type User = components["schemas"]["AdminUserView"];
type Act = "block" | "unblock" | "factor" | "delete";

export function UsersTab() {
  const { me } = useWork();
  const client = useQueryClient();
  const [words, setWords] = useState("");
  const [asked, setAsked] = useState<{ readonly act: Act; readonly user: User } | null>(null);
  const query = useInfiniteQuery({
    queryKey: ["admin-users", words],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam }) =>
      body(
        await api.GET("/api/v1/admin/users", {
          params: {
            query: { limit: 50, ...(words === "" ? {} : { q: words }), ...(pageParam === undefined ? {} : { cursor: pageParam }) },
          },
        }),
      ),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const act = async (act: Act, user: User): Promise<void> => {
    const path = { params: { path: { id: user.id } } };
    if (act === "block") await api.POST("/api/v1/admin/users/{id}/block", path);
    else if (act === "unblock") await api.POST("/api/v1/admin/users/{id}/unblock", path);
    else if (act === "factor") await api.DELETE("/api/v1/admin/users/{id}/second-factor", path);
    else await api.DELETE("/api/v1/admin/users/{id}", path);
    await client.invalidateQueries({ queryKey: ["admin-users"] });
  };
  return (
    <Section title={t("admin.users")}>
      <Search label={t("admin.users.search")} change={setWords} />
      <Loaded
        query={query}
        empty={({ pages }) => (pages[0]?.items.length === 0 ? <Nothing title={t("admin.nothing")} /> : null)}
      >
        {({ pages }) => (
          <ul className={css["rows"]} aria-label={t("admin.users")}>
            {pages.flatMap((page) => page.items).map((user) => (
              <li key={user.id} className={css["row"]}>
                <div className={css["rowMain"]}>
                  <bdi className={css["rowTitle"]}>{user.name ?? user.email}</bdi>
                  <span className={css["facts"]}>
                    <bdi>{user.email}</bdi>
                    <When at={user.created_at} />
                    {user.is_admin && <span>{t("admin.isAdmin")}</span>}
                    {user.second_factor && <span>{t("totp.title")}</span>}
                  </span>
                </div>
                {user.blocked_at !== null && <State tone="bad">{t("admin.blocked")}</State>}
                {user.delete_at !== null && <State tone="warn">{t("admin.leaving")}</State>}
                {user.id !== me.user.id && (
                  <>
                    {user.second_factor && (
                      <Button
                        look="quiet"
                        aria-label={`${t("admin.factor")}: ${user.email}`}
                        onPress={() => setAsked({ act: "factor", user })}
                      >
                        {t("admin.factor")}
                      </Button>
                    )}
                    <Button
                      aria-label={`${user.blocked_at === null ? t("admin.block") : t("admin.unblock")}: ${user.email}`}
                      onPress={() => setAsked({ act: user.blocked_at === null ? "block" : "unblock", user })}
                    >
                      {user.blocked_at === null ? t("admin.block") : t("admin.unblock")}
                    </Button>
                    <Button
                      look="quiet"
                      aria-label={`${t("admin.delete")}: ${user.email}`}
                      onPress={() => setAsked({ act: "delete", user })}
                    >
                      {t("admin.delete")}
                    </Button>
                  </>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      {query.hasNextPage && (
        <p>
          <Button onPress={() => void query.fetchNextPage()}>{t("page.more")}</Button>
        </p>
      )}
      {asked && (
        <Confirm
          title={t(`admin.${asked.act}`)}
          action={t(`admin.${asked.act}`)}
          {...(asked.act === "delete" ? { typed: asked.user.email } : {})}
          act={() => act(asked.act, asked.user)}
          close={() => setAsked(null)}
        >
          <p>
            <bdi>{asked.user.email}</bdi>. {t(`admin.${asked.act}.hint`)}
          </p>
        </Confirm>
      )}
    </Section>
  );
}
