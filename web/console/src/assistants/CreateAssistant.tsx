import { useQuery, useQueryClient } from "@tanstack/react-query";
import * as v from "valibot";
import { api, body } from "../api/client";
import type { components } from "../api/schema";
import { assistantsQuery, templatesQuery } from "../data/queries";
import { language, t } from "../i18n";
import { useWork } from "../shell/context";
import { Field, Form, needed } from "../ui/form";
import { Loaded } from "../ui/page";
import css from "./Assistants.module.css";

export type Assistant = components["schemas"]["AssistantView"];

const created = v.object({ template: needed, name: needed });

/** An assistant begins as one of a few templates, in the language of its customers. */
export function CreateAssistant({ done, beside }: { done: (assistant: Assistant) => void; beside?: React.ReactNode }) {
  const { workspace } = useWork();
  const client = useQueryClient();
  const query = useQuery(templatesQuery(workspace));
  return (
    <Loaded query={query}>
      {(templates) => {
        const own = templates.filter((template) => template.language === language());
        const others = templates.filter((template) => template.language !== language());
        return (
          <Form
            schema={created}
            submit={t("assistant.create")}
            beside={beside}
            send={async (typed, key) => {
              const answer = await api.POST("/api/v1/assistants", {
                params: { header: { "Idempotency-Key": key } },
                body: typed,
              });
              const made = body(answer);
              await client.invalidateQueries({ queryKey: assistantsQuery(workspace).queryKey });
              done(made);
            }}
          >
            <fieldset className={css["templates"]}>
              <legend>{t("assistant.template")}</legend>
              {own.map((template, index) => (
                <Choice key={template.id} template={template} isFirst={index === 0} />
              ))}
              {others.length > 0 && (
                <details className={css["others"]}>
                  <summary>{t("assistant.template.others")}</summary>
                  <div className={css["templates"]}>
                    {others.map((template) => (
                      <Choice key={template.id} template={template} isFirst={false} />
                    ))}
                  </div>
                </details>
              )}
            </fieldset>
            <Field name="name" label={t("assistant.name")} hint={t("assistant.name.hint")} maxLength={100} />
          </Form>
        );
      }}
    </Loaded>
  );
}

function Choice({ template, isFirst }: { template: components["schemas"]["Template"]; isFirst: boolean }) {
  return (
    <label className={css["template"]}>
      <input type="radio" name="template" value={template.id} defaultChecked={isFirst} />
      <strong>{template.name}</strong>
      <span lang={template.language}>{template.description}</span>
    </label>
  );
}
