import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import * as v from "valibot";
import { api, body } from "../api/client";
import { t } from "../i18n";
import { may } from "../session/session";
import { useWork } from "../shell/context";
import { Overlay } from "../shell/Overlay";
import { Area, Field, Form, needed } from "../ui/form";
import { Confirm, Loaded, Nothing, page as css, Section } from "../ui/page";
import { Button } from "../ui/ui";
import { setsQuery } from "./data";
import { keepPlaces, parseQuestions, writeQuestions, type Question } from "./questions";
import { Runs } from "./Runs";

/** Questions whose answers are known, and how the assistant did on them. */
export function TestsPage() {
  const { workspace, me } = useWork();
  const { assistant: id } = useParams({ from: "/w/$workspace/assistants/$assistant" });
  const query = useQuery(setsQuery(workspace, id));
  const mayWrite = may(me.permissions, "assistants:write");
  const [edited, setEdited] = useState<string | "new" | null>(null);
  const [deleted, setDeleted] = useState<{ id: string; name: string } | null>(null);
  const client = useQueryClient();
  const create = mayWrite && (
    <Button look="primary" onPress={() => setEdited("new")}>
      {t("sets.new")}
    </Button>
  );
  return (
    <>
      <div className={css["sectionHead"]}>
        <p className={css["lead"]}>{t("sets.hint")}</p>
        {query.data && query.data.length > 0 && <div className={css["actions"]}>{create}</div>}
      </div>
      <Loaded query={query} empty={(sets) => (sets.length === 0 ? <Nothing title={t("sets.none")}>{create}</Nothing> : null)}>
        {(sets) => (
          <>
            {sets.map((set) => (
              <Section
                key={set.id}
                title={set.name}
                hint={t("sets.size", { n: set.size })}
                actions={
                  mayWrite && (
                    <>
                      <Button onPress={() => setEdited(set.id)}>{t("sets.edit")}</Button>
                      <Button look="quiet" onPress={() => setDeleted(set)}>
                        {t("sets.delete")}
                      </Button>
                    </>
                  )
                }
              >
                <Runs set={set.id} mayWrite={mayWrite} />
              </Section>
            ))}
          </>
        )}
      </Loaded>
      {edited !== null && <SetEditor assistant={id} set={edited === "new" ? null : edited} close={() => setEdited(null)} />}
      {deleted && (
        <Confirm
          title={t("sets.delete")}
          action={t("sets.delete")}
          act={async () => {
            await api.DELETE("/api/v1/question-sets/{id}", { params: { path: { id: deleted.id } } });
            await client.invalidateQueries({ queryKey: ["sets", workspace] });
          }}
          close={() => setDeleted(null)}
        >
          <p>{t("sets.delete.hint", { name: deleted.name })}</p>
        </Confirm>
      )}
    </>
  );
}

const schema = v.object({ name: needed, questions: needed });

function SetEditor({ assistant, set, close }: { assistant: string; set: string | null; close: () => void }) {
  const { workspace } = useWork();
  const query = useQuery({
    queryKey: ["set", workspace, set],
    enabled: set !== null,
    gcTime: 0,
    queryFn: async () => {
      const answer = await api.GET("/api/v1/question-sets/{id}", { params: { path: { id: set! } } });
      return { set: body(answer), tag: answer.response.headers.get("etag") };
    },
  });
  return (
    <Overlay label={t("sets.edit")} isWide close={close}>
      <div className={css["stack"]}>
        <h2>{set === null ? t("sets.new") : t("sets.edit")}</h2>
        {set === null ? (
          <SetForm assistant={assistant} close={close} set={null} name="" questions={[]} tag={null} />
        ) : (
          <Loaded query={query}>
            {({ set: given, tag }) => (
              <SetForm assistant={assistant} close={close} set={given.id} name={given.name} questions={given.questions} tag={tag} />
            )}
          </Loaded>
        )}
      </div>
    </Overlay>
  );
}

interface SetFormProps {
  assistant: string;
  set: string | null;
  name: string;
  questions: readonly Question[];
  tag: string | null;
  close: () => void;
}

function SetForm({ assistant, set, name, questions, tag, close }: SetFormProps) {
  const { workspace } = useWork();
  const client = useQueryClient();
  return (
    <Form
      schema={schema}
      submit={t("form.save")}
      beside={<Button onPress={close}>{t("confirm.cancel")}</Button>}
      send={async (typed, key) => {
        const sent = { name: typed.name, questions: keepPlaces(parseQuestions(typed.questions), questions) };
        if (set === null) {
          await api.POST("/api/v1/assistants/{id}/question-sets", {
            params: { path: { id: assistant }, header: { "Idempotency-Key": key } },
            body: sent,
          });
        } else {
          await api.PATCH("/api/v1/question-sets/{id}", {
            params: { path: { id: set }, header: tag === null ? {} : { "If-Match": tag } },
            body: sent,
          });
        }
        await client.invalidateQueries({ queryKey: ["sets", workspace] });
        close();
      }}
    >
      <Field name="name" label={t("sets.name")} defaultValue={name} maxLength={100} />
      <Area
        name="questions"
        label={t("sets.questions")}
        hint={t("sets.questions.hint")}
        rows={10}
        defaultValue={writeQuestions(questions)}
      />
    </Form>
  );
}
