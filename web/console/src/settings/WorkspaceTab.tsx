import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import * as v from "valibot";
import { api, body } from "../api/client";
import { exact, t } from "../i18n";
import { may, workspacesQuery } from "../session/session";
import { useWork } from "../shell/context";
import { Field, Form, needed } from "../ui/form";
import { Loaded, page as css, Section } from "../ui/page";
import { say } from "../ui/said";
import { Button } from "../ui/ui";

const named = v.object({ name: needed });

export function WorkspaceTab() {
  const { workspace, me } = useWork();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [isNew, setNew] = useState(false);
  const mayWrite = may(me.permissions, "workspace:write");
  const query = useQuery({
    queryKey: ["workspace", workspace],
    queryFn: async () => {
      const answer = await api.GET("/api/v1/workspace");
      return { workspace: body(answer), tag: answer.response.headers.get("etag") };
    },
  });
  return (
    <>
      <Section title={t("settings.workspace")}>
        <Loaded query={query} rows={2}>
          {({ workspace: given, tag }) => (
            <div className={css["narrow"]}>
              <Form
                key={given.name}
                schema={named}
                submit={t("form.save")}
                send={async (typed) => {
                  await api.PATCH("/api/v1/workspace", {
                    params: { header: tag === null ? {} : { "If-Match": tag } },
                    body: typed,
                  });
                  say(t("form.saved"));
                  for (const key of [["workspace", workspace], ["me", workspace], ["workspaces"]]) {
                    await client.invalidateQueries({ queryKey: key });
                  }
                }}
              >
                <Field
                  name="name"
                  label={t("workspace.name")}
                  hint={t("workspace.since", { time: exact(new Date(given.created_at)) })}
                  defaultValue={given.name}
                  maxLength={100}
                  disabled={!mayWrite}
                />
              </Form>
            </div>
          )}
        </Loaded>
      </Section>
      <Section title={t("workspace.another")} hint={t("workspace.another.hint")}>
        <div className={css["narrow"]}>
          {isNew ? (
            <Form
              schema={named}
              submit={t("workspace.create")}
              beside={<Button onPress={() => setNew(false)}>{t("confirm.cancel")}</Button>}
              send={async (typed, key) => {
                const answer = await api.POST("/api/v1/workspaces", {
                  params: { header: { "Idempotency-Key": key } },
                  body: typed,
                });
                await client.invalidateQueries({ queryKey: workspacesQuery.queryKey });
                await navigate({ to: "/w/$workspace/start", params: { workspace: body(answer).id } });
              }}
            >
              <Field name="name" label={t("workspace.name")} maxLength={100} autoFocus />
            </Form>
          ) : (
            <Button onPress={() => setNew(true)}>{t("workspace.create")}</Button>
          )}
        </div>
      </Section>
    </>
  );
}
