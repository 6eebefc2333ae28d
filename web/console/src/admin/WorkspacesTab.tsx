import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as v from "valibot";
import { api, body } from "../api/client";
import type { components } from "../api/schema";
import { t } from "../i18n";
import { Overlay } from "../shell/Overlay";
import { Field, Form, needed, Select } from "../ui/form";
import { money } from "../ui/money";
import { Confirm, Loaded, Nothing, page as css, Section, State, When } from "../ui/page";
import { say } from "../ui/said";
import { Button } from "../ui/ui";
import { Search } from "./Search";

type Workspace = components["schemas"]["AdminWorkspaceView"];

export function WorkspacesTab() {
  const client = useQueryClient();
  const [words, setWords] = useState("");
  const [asked, setAsked] = useState<Workspace | null>(null);
  const [opened, setOpened] = useState<Workspace | null>(null);
  const query = useInfiniteQuery({
    queryKey: ["admin-workspaces", words],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam }) =>
      body(
        await api.GET("/api/v1/admin/workspaces", {
          params: {
            query: { limit: 50, ...(words === "" ? {} : { q: words }), ...(pageParam === undefined ? {} : { cursor: pageParam }) },
          },
        }),
      ),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const kind = asked?.suspended_at == null ? "suspend" : "resume";
  return (
    <Section title={t("admin.workspaces")}>
      <Search label={t("admin.workspaces.search")} change={setWords} />
      <Loaded
        query={query}
        empty={({ pages }) => (pages[0]?.items.length === 0 ? <Nothing title={t("admin.nothing")} /> : null)}
      >
        {({ pages }) => (
          <ul className={css["rows"]} aria-label={t("admin.workspaces")}>
            {pages.flatMap((page) => page.items).map((one) => (
              <li key={one.id} className={css["row"]}>
                <div className={css["rowMain"]}>
                  <bdi className={css["rowTitle"]}>{one.name}</bdi>
                  <span className={css["facts"]}>
                    <When at={one.created_at} />
                    {one.allowed_models !== null && <bdi>{one.allowed_models.join(", ")}</bdi>}
                  </span>
                </div>
                {one.suspended_at !== null && <State tone="bad">{t("members.suspended")}</State>}
                <Button aria-label={`${t("admin.balance")}: ${one.name}`} onPress={() => setOpened(one)}>
                  {t("admin.balance")}
                </Button>
                <Button
                  look="quiet"
                  aria-label={`${one.suspended_at === null ? t("admin.suspend") : t("admin.resume")}: ${one.name}`}
                  onPress={() => setAsked(one)}
                >
                  {one.suspended_at === null ? t("admin.suspend") : t("admin.resume")}
                </Button>
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
          title={t(`admin.${kind}`)}
          action={t(`admin.${kind}`)}
          act={async () => {
            const path = { params: { path: { id: asked.id } } };
            if (kind === "suspend") await api.POST("/api/v1/admin/workspaces/{id}/suspend", path);
            else await api.POST("/api/v1/admin/workspaces/{id}/resume", path);
            await client.invalidateQueries({ queryKey: ["admin-workspaces"] });
          }}
          close={() => setAsked(null)}
        >
          <p>
            <bdi>{asked.name}</bdi>. {t(`admin.${kind}.hint`)}
          </p>
        </Confirm>
      )}
      {opened && <Balance workspace={opened} close={() => setOpened(null)} />}
    </Section>
  );
}

const moved = v.object({
  kind: v.picklist(["credits", "corrections", "refunds"]),
  amount: v.pipe(needed, v.regex(/^-?\d{1,12}([.,]\d{1,6})?$/, "field.amount")),
  reason: needed,
});

/** What a workspace has, and what an admin moves by hand. */
function Balance({ workspace, close }: { workspace: Workspace; close: () => void }) {
  const client = useQueryClient();
  const path = { path: { id: workspace.id } };
  const query = useQuery({
    queryKey: ["admin-balance", workspace.id],
    queryFn: async () => body(await api.GET("/api/v1/admin/workspaces/{id}/balance", { params: path })),
  });
  return (
    <Overlay label={t("admin.balance")} isWide close={close}>
      <div className={css["stack"]}>
        <h2>
          {t("admin.balance")}: <bdi>{workspace.name}</bdi>
        </h2>
        <Loaded query={query} rows={2}>
          {(given) => (
            <>
              <p className={css["facts"]}>
                <span>
                  {t("billing.available")}: {money(given.available, given.currency)}
                </span>
                <span>
                  {t("billing.held")}: {money(given.held, given.currency)}
                </span>
                <span>
                  {t("billing.paid")}: {money(given.paid, given.currency)}
                </span>
                <span>
                  {t("billing.bonus")}: {money(given.bonus, given.currency)}
                </span>
              </p>
              <Form
                schema={moved}
                submit={t("admin.move")}
                clears
                beside={<Button onPress={close}>{t("keys.done")}</Button>}
                send={async ({ kind, amount, reason }, key) => {
                  const params = { ...path, header: { "Idempotency-Key": key } };
                  const sent = { amount: amount.replace(",", "."), reason };
                  if (kind === "credits") await api.POST("/api/v1/admin/workspaces/{id}/credits", { params, body: sent });
                  else if (kind === "corrections") await api.POST("/api/v1/admin/workspaces/{id}/corrections", { params, body: sent });
                  else await api.POST("/api/v1/admin/workspaces/{id}/refunds", { params, body: sent });
                  await client.invalidateQueries({ queryKey: ["admin-balance", workspace.id] });
                  say(t("form.saved"));
                }}
              >
                <Select
                  name="kind"
                  label={t("billing.kind")}
                  options={(["credits", "corrections", "refunds"] as const).map((one) => [one, t(`admin.${one}`)])}
                />
                <Field name="amount" label={`${t("billing.amount")}, ${given.currency}`} inputMode="decimal" />
                <Field name="reason" label={t("billing.reason")} maxLength={500} />
              </Form>
            </>
          )}
        </Loaded>
      </div>
    </Overlay>
  );
}
