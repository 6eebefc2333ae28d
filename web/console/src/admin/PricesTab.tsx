import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as v from "valibot";
import { api, body } from "../api/client";
import { t } from "../i18n";
import { Field, Form, needed } from "../ui/form";
import { Loaded, Nothing, page as css, Section, When } from "../ui/page";
import { say } from "../ui/said";
import { Button } from "../ui/ui";

const amount = v.pipe(
  needed,
  v.regex(/^\d{1,12}([.,]\d{1,6})?$/, "field.amount"),
  v.transform((text) => text.replace(",", ".")),
);
const number = v.pipe(needed, v.regex(/^\d{1,6}$/, "field.number"), v.transform((text) => parseInt(text, 10)));
const priced = v.object({ answer: amount, document: amount, free_answers: number, margin_percent: number });

/** All prices there were, and what is charged from now on. */
export function PricesTab() {
  const client = useQueryClient();
  const [isNew, setNew] = useState(false);
  const query = useQuery({
    queryKey: ["admin-prices"],
    queryFn: async () => body(await api.GET("/api/v1/admin/prices")).items,
  });
  const last = query.data?.at(-1);
  return (
    <Section
      title={t("admin.prices")}
      hint={t("admin.prices.hint")}
      actions={!isNew && <Button onPress={() => setNew(true)}>{t("admin.prices.set")}</Button>}
    >
      {isNew && (
        <div className={css["card"]}>
          <Form
            schema={priced}
            submit={t("admin.prices.set")}
            beside={<Button onPress={() => setNew(false)}>{t("confirm.cancel")}</Button>}
            send={async (typed, key) => {
              await api.POST("/api/v1/admin/prices", {
                params: { header: { "Idempotency-Key": key } },
                // What this form does not show stays as it is.
                body: {
                  ...typed,
                  ...(last
                    ? { answer_by_channel: last.answer_by_channel, tokens: last.tokens, free_documents: last.free_documents }
                    : {}),
                },
              });
              await client.invalidateQueries({ queryKey: ["admin-prices"] });
              say(t("form.saved"));
              setNew(false);
            }}
          >
            <div className={css["columns"]}>
              <Field name="answer" label={t("admin.prices.answer")} defaultValue={last?.answer ?? "0"} inputMode="decimal" />
              <Field name="document" label={t("admin.prices.document")} defaultValue={last?.document ?? "0"} inputMode="decimal" />
              <Field
                name="free_answers"
                label={t("admin.prices.free")}
                defaultValue={String(last?.free_answers ?? 0)}
                inputMode="numeric"
              />
              <Field
                name="margin_percent"
                label={t("admin.prices.margin")}
                defaultValue={String(last?.margin_percent ?? 0)}
                inputMode="numeric"
              />
            </div>
          </Form>
        </div>
      )}
      <Loaded query={query} empty={(items) => (items.length === 0 ? <Nothing title={t("admin.prices.none")} /> : null)}>
        {(items) => (
          <div className={css["tableWrap"]} tabIndex={0} role="group" aria-label={t("admin.prices.table")}>
            <table className={css["table"]}>
              <thead>
                <tr>
                  <th scope="col">{t("billing.since")}</th>
                  <th scope="col" className={css["number"]}>
                    {t("admin.prices.answer")}
                  </th>
                  <th scope="col" className={css["number"]}>
                    {t("admin.prices.document")}
                  </th>
                  <th scope="col" className={css["number"]}>
                    {t("admin.prices.free")}
                  </th>
                  <th scope="col" className={css["number"]}>
                    {t("admin.prices.margin")}
                  </th>
                </tr>
              </thead>
              <tbody>
                {[...items].reverse().map((one) => (
                  <tr key={one.version}>
                    <td>
                      <When at={one.in_force_from} />
                    </td>
                    <td className={css["number"]}>{one.answer}</td>
                    <td className={css["number"]}>{one.document}</td>
                    <td className={css["number"]}>{one.free_answers}</td>
                    <td className={css["number"]}>{one.margin_percent}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
    </Section>
  );
}
