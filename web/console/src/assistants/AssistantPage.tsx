import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useParams } from "@tanstack/react-router";
import { useState } from "react";
import * as v from "valibot";
import { api } from "../api/client";
import { t } from "../i18n";
import { may } from "../session/session";
import { useWork } from "../shell/context";
import { Overlay } from "../shell/Overlay";
import { Area, Form, optional } from "../ui/form";
import { Act, Loaded, page as css, Page, State, When } from "../ui/page";
import { Button } from "../ui/ui";
import { assistantQuery, pauseQuery } from "./data";

/** What all pages of an assistant have above them. */
export function AssistantPage() {
  const { workspace, me } = useWork();
  const { assistant: id } = useParams({ from: "/w/$workspace/assistants/$assistant" });
  const query = useQuery(assistantQuery(workspace, id));
  const mayWrite = may(me.permissions, "assistants:write");
  return (
    <Page
      key={id}
      isWide
      title={query.data?.draft.name ?? t("nav.assistants")}
      above={
        <Link to="/w/$workspace/assistants" params={{ workspace }}>
          {t("nav.assistants")}
        </Link>
      }
      actions={query.data && mayWrite && <Pause id={id} />}
      lead={
        query.data && (
          <span className={css["facts"]}>
            <span>{t("assistant.version", { n: query.data.draft.published })}</span>
            <Paused id={id} />
          </span>
        )
      }
    >
      <nav className={css["tabs"]} aria-label={t("assistant.pages")}>
        {TABS.map(([to, text, isExact]) => (
          <Link key={to} className={css["tab"]} to={to} params={{ workspace, assistant: id }} activeOptions={{ exact: isExact }}>
            {t(text)}
          </Link>
        ))}
        <Link className={css["tab"]} to="/w/$workspace/knowledge" params={{ workspace }} search={{ assistant: id }}>
          {t("nav.knowledge")}
        </Link>
      </nav>
      <Loaded query={query}>{() => <Outlet />}</Loaded>
    </Page>
  );
}

const TABS = [
  ["/w/$workspace/assistants/$assistant", "assistant.setup", true],
  ["/w/$workspace/assistants/$assistant/playground", "assistant.playground", false],
  ["/w/$workspace/assistants/$assistant/tests", "assistant.tests", false],
  ["/w/$workspace/assistants/$assistant/versions", "assistant.versions", false],
] as const;

function Paused({ id }: { id: string }) {
  const { workspace } = useWork();
  const { data } = useQuery(pauseQuery(workspace, id));
  if (!data) return null;
  if (!data.paused) return <State tone="good">{t("assistant.answers")}</State>;
  return (
    <State tone="warn">
      {t("assistant.paused")} {data.since !== null && <When at={data.since} />}
    </State>
  );
}

const paused = v.object({ text: optional });

/** Stops the assistant everywhere in the same second. */
function Pause({ id }: { id: string }) {
  const { workspace } = useWork();
  const client = useQueryClient();
  const { data } = useQuery(pauseQuery(workspace, id));
  const [isOpen, setOpen] = useState(false);
  const renewed = async (): Promise<void> => client.invalidateQueries({ queryKey: ["pause", workspace] });
  if (!data) return null;
  if (data.paused) {
    return (
      <Act
        look="primary"
        act={async () => {
          await api.POST("/api/v1/assistants/{id}/resume", { params: { path: { id } } });
          await renewed();
        }}
      >
        {t("assistant.resume")}
      </Act>
    );
  }
  return (
    <>
      <Button onPress={() => setOpen(true)}>{t("assistant.pause")}</Button>
      {isOpen && (
        <Overlay label={t("assistant.pause")} close={() => setOpen(false)}>
          <div className={css["stack"]}>
            <h2>{t("assistant.pause")}</h2>
            <p>{t("assistant.pause.hint")}</p>
            <Form
              schema={paused}
              submit={t("assistant.pause")}
              look="danger"
              beside={<Button onPress={() => setOpen(false)}>{t("confirm.cancel")}</Button>}
              send={async ({ text }, key) => {
                await api.POST("/api/v1/assistants/{id}/pause", {
                  params: { path: { id }, header: { "Idempotency-Key": key } },
                  body: { text: text === "" ? null : text },
                });
                await renewed();
                setOpen(false);
              }}
            >
              <Area name="text" label={t("assistant.pause.text")} hint={t("assistant.pause.text.hint")} maxLength={4000} />
            </Form>
          </div>
        </Overlay>
      )}
    </>
  );
}
