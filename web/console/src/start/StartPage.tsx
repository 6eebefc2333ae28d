import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Check as Tick, ChevronDown } from "lucide-react";
import { useEffect, useState, type ReactNode } from "react";
import * as v from "valibot";
import { api } from "../api/client";
import { Ask } from "../assistants/Ask";
import { CreateAssistant } from "../assistants/CreateAssistant";
import { ConnectBot } from "../channels/ConnectBot";
import { assistantsQuery, statsQuery } from "../data/queries";
import { t } from "../i18n";
import { Uploader } from "../knowledge/Uploader";
import { InviteForm } from "../settings/InviteForm";
import { useWork } from "../shell/context";
import { Field, Form, needed } from "../ui/form";
import { Loaded, page as css, Page, State } from "../ui/page";
import { say } from "../ui/said";
import { Button, Empty, ui } from "../ui/ui";
import { may } from "../session/session";
import css2 from "./Start.module.css";
import { STEPS, type Step } from "./done";
import { dismiss, noteAsked, useSteps } from "./steps";

/** The way from nothing to the first answer to a customer. */
export function StartPage() {
  const { workspace, me } = useWork();
  const mayStart = may(me.permissions, "assistants:write");
  const { done } = useSteps(workspace, mayStart);
  const query = useQuery(assistantsQuery(workspace));
  const navigate = useNavigate();
  const [open, setOpen] = useState<Step | "none" | null>(null);
  const isKnown = done !== null;
  const first = STEPS.find((step) => !done?.has(step)) ?? "none";

  // The first step that is left opens by itself; after that, nothing moves while somebody is at work in it.
  useEffect(() => {
    if (isKnown) setOpen((open) => open ?? first);
  }, [isKnown, first]);

  const hide = (): void => {
    dismiss(workspace);
    void navigate({ to: "/w/$workspace/inbox/$view", params: { workspace, view: "waiting" }, search: {} });
  };
  if (!mayStart) return <Empty page title={t("error.forbidden")} />;
  return (
    <Page title={t("start.title")} lead={t("start.lead")} actions={<Button look="quiet" onPress={hide}>{t("start.hide")}</Button>}>
      <Loaded query={query}>
        {(assistants) => {
          const assistant = assistants[0]?.id;
          const content: Record<Step, ReactNode> = {
            assistant: <CreateAssistant done={() => setOpen("knowledge")} />,
            knowledge: assistant && <Feed assistant={assistant} next={() => setOpen("ask")} />,
            ask: assistant && <Ask assistant={assistant} done={() => noteAsked(workspace)} />,
            channel: assistant && <ConnectBot assistants={assistants} done={() => setOpen("colleague")} />,
            colleague: <InviteForm done={() => setOpen("none")} />,
          };
          return (
            <>
              {done && (
                <p className={css["soft"]} role="status">
                  {t("start.progress", { n: done.size, all: STEPS.length })}
                </p>
              )}
              <ol className={css2["steps"]}>
                {STEPS.map((step, index) => {
                  const isDone = done?.has(step) ?? false;
                  const isOpen = open === step;
                  const isPossible = step === "assistant" || step === "colleague" || assistant !== undefined;
                  return (
                    <li key={step} className={css2["step"]} data-done={isDone || undefined}>
                      <h2>
                        <button
                          type="button"
                          aria-expanded={isOpen}
                          disabled={!isPossible}
                          onClick={() => setOpen(isOpen ? "none" : step)}
                        >
                          <span className={css2["mark"]} aria-hidden>
                            {isDone ? <Tick size={16} /> : index + 1}
                          </span>
                          <span className={css2["words"]}>
                            <span>{t(`start.${step}`)}</span>
                            <small>{t(`start.${step}.hint`)}</small>
                          </span>
                          {isDone && <State tone="good">{t("start.done")}</State>}
                          <ChevronDown size={16} aria-hidden className={css2["chevron"]} />
                        </button>
                      </h2>
                      {isOpen && <div className={css2["content"]}>{content[step]}</div>}
                    </li>
                  );
                })}
              </ol>
              {done?.size === STEPS.length && (
                <p>
                  <Button look="primary" onPress={hide}>
                    {t("start.finish")}
                  </Button>
                </p>
              )}
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

const page = v.object({ url: v.pipe(needed, v.url("field.url"), v.regex(/^https?:\/\//i, "field.url")) });

/** A file, or the address of a page. */
function Feed({ assistant, next }: { assistant: string; next: () => void }) {
  const { workspace } = useWork();
  const client = useQueryClient();
  const { data: stats } = useQuery(statsQuery(workspace, assistant));
  return (
    <div className={css["stack"]}>
      <Uploader assistant={assistant} />
      <Form
        schema={page}
        submit={t("start.url.submit")}
        look="plain"
        clears
        send={async ({ url }, key) => {
          await api.POST("/api/v1/assistants/{id}/sources", {
            params: { path: { id: assistant }, header: { "Idempotency-Key": key } },
            body: { url, kind: "page" },
          });
          say(t("source.added"));
          for (const family of ["sources", "documents", "stats"]) await client.invalidateQueries({ queryKey: [family, workspace] });
        }}
      >
        <Field name="url" label={t("start.url")} type="url" placeholder="https://" inputMode="url" maxLength={2000} />
      </Form>
      {stats && stats.documents + stats.answers > 0 && (
        <div className={css["actions"]} role="status">
          {stats.waiting > 0 ? (
            <State tone="warn">{t("start.reading", { n: stats.waiting })}</State>
          ) : (
            <State tone="good">{t("start.read", { n: stats.documents + stats.answers })}</State>
          )}
          {stats.failed > 0 && <span className={ui["wrong"]}>{t("start.failed", { n: stats.failed })}</span>}
          <Button look="primary" onPress={next}>
            {t("start.ask")}
          </Button>
        </div>
      )}
    </div>
  );
}
