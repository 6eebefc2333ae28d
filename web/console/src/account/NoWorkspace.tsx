import { useRouteContext, useNavigate } from "@tanstack/react-router";
import * as v from "valibot";
import { actIn, api, body } from "../api/client";
import { t } from "../i18n";
import { Card } from "../session/SignIn";
import css from "../session/SignIn.module.css";
import { Field, Form, needed } from "../ui/form";

const created = v.object({ name: needed });

/** Somebody who belongs to no workspace makes one, or waits for an invitation. */
export function NoWorkspace() {
  const { client } = useRouteContext({ from: "__root__" });
  const navigate = useNavigate();
  return (
    <Card>
      <div className={css["form"]}>
        <h1>{t("none.title")}</h1>
        <p>{t("none.hint")}</p>
        <Form
          schema={created}
          submit={t("workspace.create")}
          send={async (typed, key) => {
            actIn(null);
            const answer = await api.POST("/api/v1/workspaces", {
              params: { header: { "Idempotency-Key": key } },
              body: typed,
            });
            client.clear();
            await navigate({ to: "/w/$workspace/start", params: { workspace: body(answer).id } });
          }}
        >
          <Field name="name" label={t("workspace.name")} maxLength={100} />
        </Form>
      </div>
    </Card>
  );
}
