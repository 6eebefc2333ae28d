import { useInfiniteQuery } from "@tanstack/react-query";
import { api, body } from "../api/client";
import { t } from "../i18n";
import { useWork } from "../shell/context";
import { Loaded, Nothing, page as css, Section, State, When } from "../ui/page";
import { Button } from "../ui/ui";

/** Who did what; of the workspace, or of the platform. */
export function Audit({ of }: { of: "workspace" | "platform" }) {
  const { workspace } = useWork();
  const query = useInfiniteQuery({
    queryKey: ["audit", workspace, of],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam }) => {
      const params = { params: { query: { limit: 50, ...(pageParam === undefined ? {} : { cursor: pageParam }) } } };
      return of === "workspace" ? body(await api.GET("/api/v1/audit", params)) : body(await api.GET("/api/v1/admin/audit", params));
    },
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  return (
    <Section title={t("settings.audit")} hint={t("settings.audit.hint")}>
      <Loaded
        query={query}
        empty={({ pages }) => (pages[0]?.items.length === 0 ? <Nothing title={t("audit.none")} /> : null)}
      >
        {({ pages }) => (
          <div className={css["tableWrap"]} tabIndex={0} role="group" aria-label={t("audit.table")}>
            <table className={css["table"]}>
              <thead>
                <tr>
                  <th scope="col">{t("audit.when")}</th>
                  <th scope="col">{t("audit.who")}</th>
                  <th scope="col">{t("audit.what")}</th>
                  <th scope="col">{t("audit.target")}</th>
                  <th scope="col">{t("audit.address")}</th>
                </tr>
              </thead>
              <tbody>
                {pages
                  .flatMap((page) => page.items)
                  .map((act) => (
                    <tr key={act.seq}>
                      <td>
                        <When at={act.at} />
                      </td>
                      <td>
                        <bdi>{act.actor_name}</bdi> <span className={css["soft"]}>{t(`actor.${act.actor}`)}</span>
                      </td>
                      <td>
                        <code>{act.action}</code>{" "}
                        {act.outcome === "refused" && <State tone="bad">{t("audit.refused")}</State>}
                      </td>
                      <td>
                        {act.target} <span className={css["soft"]}>{act.target_id}</span>
                      </td>
                      <td>{act.address}</td>
                    </tr>
                  ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
      {query.hasNextPage && (
        <p>
          <Button onPress={() => void query.fetchNextPage()} isDisabled={query.isFetchingNextPage}>
            {t("page.more")}
          </Button>
        </p>
      )}
    </Section>
  );
}

export function AuditTab() {
  return <Audit of="workspace" />;
}
