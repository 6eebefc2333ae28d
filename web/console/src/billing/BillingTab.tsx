import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { api, body } from "../api/client";
import type { components } from "../api/schema";
import { count, exact, t } from "../i18n";
import { useWork } from "../shell/context";
import { download } from "../ui/download";
import { money } from "../ui/money";
import { Act, Loaded, Nothing, page as css, Section, State, When } from "../ui/page";
import { Button, ui } from "../ui/ui";

type Kind = components["schemas"]["EntryKind"];
type Entries = components["schemas"]["List_EntryView"];

const KINDS = [
  "trial_granted",
  "trial_ended",
  "credit",
  "hold",
  "capture",
  "release",
  "given_back",
  "refund",
  "correction",
  "write_off",
  "model_cost",
] as const satisfies readonly Kind[];

/** What is left, what it costs, and what moved. */
export function BillingTab() {
  const { workspace } = useWork();
  const balance = useQuery({
    queryKey: ["balance", workspace],
    queryFn: async () => body(await api.GET("/api/v1/balance")),
  });
  return (
    <>
      <Section title={t("billing.balance")}>
        <Loaded query={balance} rows={2}>
          {(given) =>
            given.billing === "off" ? (
              <p className={css["soft"]}>{t("billing.off")}</p>
            ) : (
              <div className={css["stack"]}>
                {given.low_balance && <p className={ui["notice"]}>{t("billing.low")}</p>}
                <dl className={css["figures"]}>
                  <Figure name={t("billing.available")} value={money(given.available, given.currency)} />
                  <Figure name={t("billing.held")} value={money(given.held, given.currency)} />
                  <Figure name={t("billing.paid")} value={money(given.paid, given.currency)} />
                  <Figure name={t("billing.bonus")} value={money(given.bonus, given.currency)} />
                  {given.answers_left !== null && <Figure name={t("billing.answersLeft")} value={count(given.answers_left)} />}
                  {given.days_left !== null && <Figure name={t("billing.daysLeft")} value={count(given.days_left)} />}
                </dl>
                {given.trial && (
                  <p className={css["facts"]}>
                    <State tone="soft">{t("billing.trial")}</State>
                    <span>{t("billing.trialLeft", { n: given.trial.answers_left })}</span>
                    <span>{exact(new Date(given.trial.ends_at))}</span>
                  </p>
                )}
              </div>
            )
          }
        </Loaded>
      </Section>
      {balance.data && balance.data.billing !== "off" && (
        <>
          <Prices />
          <Entries currency={balance.data.currency} />
        </>
      )}
    </>
  );
}

export function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div className={css["figure"]}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Prices() {
  const { workspace } = useWork();
  const query = useQuery({
    queryKey: ["prices", workspace],
    queryFn: async () => body(await api.GET("/api/v1/prices")),
  });
  return (
    <Section title={t("billing.prices")}>
      <Loaded query={query} rows={1}>
        {({ items, currency }) => (
          <ul className={css["rows"]}>
            {items.map((one) => (
              <li key={one.version} className={css["row"]}>
                <div className={css["rowMain"]}>
                  <span>{t("billing.price.answer", { cost: money(one.answer, currency) })}</span>
                  <span>{t("billing.price.document", { cost: money(one.document, currency) })}</span>
                </div>
                <span className={css["soft"]}>
                  {t("billing.since")} <When at={one.in_force_from} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Section>
  );
}

function Entries({ currency }: { currency: string }) {
  const { workspace } = useWork();
  const [kind, setKind] = useState<Kind | "">("");
  const id = useId();
  const query = useInfiniteQuery({
    queryKey: ["entries", workspace, kind],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam }) =>
      // As a table it would be a text; JSON is what we ask for here.
      body(
        await api.GET("/api/v1/balance/entries", {
          params: {
            query: { limit: 50, ...(kind === "" ? {} : { kind }), ...(pageParam === undefined ? {} : { cursor: pageParam }) },
          },
        }),
      ) as Entries,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  return (
    <Section
      title={t("billing.entries")}
      actions={
        <>
          <label className={css["soft"]} htmlFor={id}>
            {t("billing.kind")}
          </label>
          <select id={id} className={ui["input"]} data-short value={kind} onChange={(event) => setKind(event.target.value as Kind | "")}>
            <option value="">{t("billing.all")}</option>
            {KINDS.map((one) => (
              <option key={one} value={one}>
                {t(`entry.${one}`)}
              </option>
            ))}
          </select>
          <Act
            act={() => download(`/api/v1/balance/entries${kind === "" ? "" : `?kind=${kind}`}`, "entries.csv", "text/csv")}
          >
            {t("table.csv")}
          </Act>
        </>
      }
    >
      <Loaded
        query={query}
        empty={({ pages }) => (pages[0]?.items.length === 0 ? <Nothing title={t("billing.noEntries")} /> : null)}
      >
        {({ pages }) => (
          <div className={css["tableWrap"]} tabIndex={0} role="group" aria-label={t("billing.entries")}>
            <table className={css["table"]}>
              <thead>
                <tr>
                  <th scope="col">{t("audit.when")}</th>
                  <th scope="col">{t("billing.kind")}</th>
                  <th scope="col">{t("billing.reason")}</th>
                  <th scope="col" className={css["number"]}>
                    {t("billing.amount")}
                  </th>
                  <th scope="col" className={css["number"]}>
                    {t("billing.after")}
                  </th>
                </tr>
              </thead>
              <tbody>
                {pages
                  .flatMap((page) => page.items)
                  .map((entry) => (
                    <tr key={entry.seq}>
                      <td>
                        <When at={entry.created_at} />
                      </td>
                      <td>{t(`entry.${entry.kind}`)}</td>
                      <td dir="auto">{entry.reason ?? entry.model ?? ""}</td>
                      <td className={css["number"]}>{money(entry.amount, entry.kind === "model_cost" ? "USD" : currency)}</td>
                      <td className={css["number"]}>{money(entry.available_after, currency)}</td>
                    </tr>
                  ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
      {query.hasNextPage && (
        <p>
          <Button onPress={() => void query.fetchNextPage()}>{t("page.more")}</Button>
        </p>
      )}
    </Section>
  );
}
