import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as v from "valibot";
import { api } from "../api/client";
import { cannedQuery } from "../dialog/canned";
import type { Canned } from "../dialog/find";
import { LANGUAGE_NAMES, t, type Language } from "../i18n";
import { may } from "../session/session";
import { useWork } from "../shell/context";
import { Overlay } from "../shell/Overlay";
import { Area, Field, Form, needed, Select } from "../ui/form";
import { Confirm, Loaded, Nothing, page as css, Section } from "../ui/page";
import { Button } from "../ui/ui";

const saved = v.object({ shortcut: needed, title: needed, text: needed, language: v.picklist(["", "en", "ru"]) });

/** Replies that are kept ready: an operator types `/` and the first letters. */
export function CannedTab() {
  const { workspace, me } = useWork();
  const client = useQueryClient();
  const mayWrite = may(me.permissions, "dialogs:write");
  const [edited, setEdited] = useState<Canned | "new" | null>(null);
  const [deleted, setDeleted] = useState<Canned | null>(null);
  const query = useQuery(cannedQuery(workspace));
  const renewed = async (): Promise<void> => client.invalidateQueries({ queryKey: ["canned", workspace] });
  const create = mayWrite && (
    <Button look="primary" onPress={() => setEdited("new")}>
      {t("canned.new")}
    </Button>
  );
  return (
    <Section title={t("settings.canned")} hint={t("settings.canned.hint")} actions={query.data?.length !== 0 && create}>
      <Loaded query={query} empty={(all) => (all.length === 0 ? <Nothing title={t("canned.none")}>{create}</Nothing> : null)}>
        {(all) => (
          <ul className={css["rows"]} aria-label={t("settings.canned")}>
            {all.map((one) => (
              <li key={one.id} className={css["row"]}>
                <div className={css["rowMain"]}>
                  <span className={css["rowTitle"]}>
                    <code>/{one.shortcut}</code> <bdi>{one.title}</bdi>
                  </span>
                  <span dir="auto">{one.text}</span>
                  {one.language !== null && <span className={css["soft"]}>{LANGUAGE_NAMES[one.language]}</span>}
                </div>
                {mayWrite && (
                  <>
                    <Button aria-label={`${t("answers.edit")}: ${one.title}`} onPress={() => setEdited(one)}>
                      {t("answers.edit")}
                    </Button>
                    <Button look="quiet" aria-label={`${t("answers.delete")}: ${one.title}`} onPress={() => setDeleted(one)}>
                      {t("answers.delete")}
                    </Button>
                  </>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      {edited !== null && (
        <Overlay label={t("canned.new")} isWide close={() => setEdited(null)}>
          <div className={css["stack"]}>
            <h2>{edited === "new" ? t("canned.new") : edited.title}</h2>
            <Form
              schema={saved}
              submit={t("form.save")}
              beside={<Button onPress={() => setEdited(null)}>{t("confirm.cancel")}</Button>}
              send={async (typed, key) => {
                const sent = { ...typed, language: typed.language === "" ? null : (typed.language as Language) };
                if (edited === "new") {
                  await api.POST("/api/v1/canned-replies", { params: { header: { "Idempotency-Key": key } }, body: sent });
                } else {
                  await api.PATCH("/api/v1/canned-replies/{id}", { params: { path: { id: edited.id } }, body: sent });
                }
                await renewed();
                setEdited(null);
              }}
            >
              <Field
                name="shortcut"
                label={t("canned.shortcut")}
                hint={t("canned.shortcut.hint")}
                maxLength={32}
                defaultValue={edited === "new" ? "" : edited.shortcut}
                autoFocus
              />
              <Field name="title" label={t("canned.title")} maxLength={100} defaultValue={edited === "new" ? "" : edited.title} />
              <Area
                name="text"
                label={t("canned.text")}
                rows={6}
                maxLength={4000}
                defaultValue={edited === "new" ? "" : edited.text}
              />
              <Select
                name="language"
                label={t("language.label")}
                defaultValue={edited === "new" ? "" : (edited.language ?? "")}
                options={[["", t("canned.anyLanguage")], ...Object.entries(LANGUAGE_NAMES)]}
              />
            </Form>
          </div>
        </Overlay>
      )}
      {deleted && (
        <Confirm
          title={t("answers.delete")}
          action={t("answers.delete")}
          act={async () => {
            await api.DELETE("/api/v1/canned-replies/{id}", { params: { path: { id: deleted.id } } });
            await renewed();
          }}
          close={() => setDeleted(null)}
        >
          <p dir="auto">{deleted.title}</p>
        </Confirm>
      )}
    </Section>
  );
}
