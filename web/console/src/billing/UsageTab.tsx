import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { api, body } from "../api/client";
import { assistantsQuery } from "../data/queries";
import { count, t } from "../i18n";
import { useWork } from "../shell/context";
import { money } from "../ui/money";
import { Act, Loaded, Nothing, page as css, Section } from "../ui/page";
import { ui } from "../ui/ui";
import { Figure } from "./BillingTab";
import { csv, dayBefore } from "./table";

/** What the models were used for and what that cost, by day. */
export function UsageTab() {
  const { workspace } = useWork();
  const [from, setFrom] = useState(() => dayBefore(new Date(), 29));
  const [to, setTo] = useState(() => dayBefore(new Date(), 0));
  const [assistant, setAssistant] = useState("");
  const { data: assistants } = useQuery(assistantsQuery(workspace));
  const fromId = useId();
  const toId = useId();
  const assistantId = useId();
  const query = useQuery({
    queryKey: ["usage", workspace, from, to, assistant],
    enabled: from !== "" && to !== "",
    queryFn: async () =>
      body(
        await api.GET("/api/v1/usage", {
          params: { query: { from, to, ...(assistant === "" ? {} : { assistant_id: assistant }) } },
        }),
      ),
  });
  const name = (id: string | null): string => assistants?.find((one) => one.id === id)?.name ?? "–";
  return (
    <Section
      title={t("settings.usage")}
      hint={t("usage.hint")}
      actions={
        query.data && (
          <Act
            act={async () => {
              const head = ["day", "assistant", "purpose", "provider", "model", "calls", "failed", "prompt_tokens", "completion_tokens", "cost"];
              const rows = query.data.items.map((item) => [
                item.day,
                name(item.assistant_id),
                item.purpose,
                item.provider,
                item.model,
                String(item.calls),
                String(item.failed),
                String(item.prompt_tokens),
                String(item.completion_tokens),
                item.cost,
              ]);
              csv(`usage-${from}-${to}.csv`, [head, ...rows]);
            }}
          >
            {t("table.csv")}
          </Act>
        )
      }
    >
      <div className={css["actions"]}>
        <label htmlFor={fromId}>{t("usage.from")}</label>
        <input id={fromId} className={ui["input"]} data-short type="date" value={from} max={to} onChange={(event) => setFrom(event.target.value)} />
        <label htmlFor={toId}>{t("usage.to")}</label>
        <input id={toId} className={ui["input"]} data-short type="date" value={to} min={from} onChange={(event) => setTo(event.target.value)} />
        <label htmlFor={assistantId}>{t("filter.assistant")}</label>
        <select id={assistantId} className={ui["input"]} data-short value={assistant} onChange={(event) => setAssistant(event.target.value)}>
          <option value="">{t("filter.any.assistant")}</option>
          {(assistants ?? []).map((one) => (
            <option key={one.id} value={one.id}>
              {one.name}
            </option>
          ))}
        </select>
      </div>
      <Loaded query={query} empty={({ items }) => (items.length === 0 ? <Nothing title={t("usage.none")} /> : null)}>
        {({ items, totals }) => (
          <div className={css["stack"]}>
            <dl className={css["figures"]}>
              <Figure name={t("usage.cost")} value={money(totals.cost, "USD")} />
              <Figure name={t("usage.calls")} value={count(totals.calls)} />
              <Figure name={t("usage.failed")} value={count(totals.failed)} />
              <Figure name={t("usage.tokens")} value={count(totals.prompt_tokens + totals.completion_tokens)} />
            </dl>
            <div className={css["tableWrap"]} tabIndex={0} role="group" aria-label={t("usage.table")}>
              <table className={css["table"]}>
                <thead>
                  <tr>
                    <th scope="col">{t("usage.day")}</th>
                    <th scope="col">{t("filter.assistant")}</th>
                    <th scope="col">{t("usage.purpose")}</th>
                    <th scope="col">{t("field.model")}</th>
                    <th scope="col" className={css["number"]}>
                      {t("usage.calls")}
                    </th>
                    <th scope="col" className={css["number"]}>
                      {t("usage.tokens")}
                    </th>
                    <th scope="col" className={css["number"]}>
                      {t("usage.cost")}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {[...items].reverse().map((item, index) => (
                    <tr key={index}>
                      <td>{item.day}</td>
                      <td>
                        <bdi>{name(item.assistant_id)}</bdi>
                      </td>
                      <td>{t(`purpose.${item.purpose}`)}</td>
                      <td>
                        <bdi>{item.model}</bdi>
                      </td>
                      <td className={css["number"]}>{item.calls}</td>
                      <td className={css["number"]}>{item.prompt_tokens + item.completion_tokens}</td>
                      <td className={css["number"]}>{money(item.cost, "USD")}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </div>
        )}
      </Loaded>
    </Section>
  );
}
