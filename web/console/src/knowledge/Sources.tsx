import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import * as v from "valibot";
import { api, body } from "../api/client";
import type { components } from "../api/schema";
import { MOST } from "../data/queries";
import { t } from "../i18n";
import { may } from "../session/session";
import { useWork } from "../shell/context";
import { Field, Form, needed, Select } from "../ui/form";
import { Act, Confirm, Loaded, Nothing, page as css, State, When } from "../ui/page";
import { say } from "../ui/said";
import { Button, ui } from "../ui/ui";
import { toneOf } from "./status";

type Source = components["schemas"]["SourceView"];

const number = (most: number, least = 0) =>
  v.pipe(
    v.string(),
    v.regex(/^\d*$/, "field.number"),
    v.transform((text) => (text === "" ? null : parseInt(text, 10))),
    v.check((given) => given === null || (given >= least && given <= most), "field.number"),
  );
const added = v.object({
  url: v.pipe(needed, v.url("field.url"), v.regex(/^https?:\/\//i, "field.url")),
  kind: v.picklist(["page", "site", "sitemap"]),
  max_pages: number(10_000, 1),
  depth: number(10),
  refresh_hours: number(8760, 1),
});

/** Pages of the web that the assistant learns from. */
export function Sources({ assistant }: { assistant: string }) {
  const { workspace, me } = useWork();
  const client = useQueryClient();
  const mayWrite = may(me.permissions, "documents:write");
  const [kind, setKind] = useState("site");
  const query = useQuery({
    queryKey: ["sources", workspace, assistant],
    queryFn: async () =>
      body(await api.GET("/api/v1/sources", { params: { query: { assistant_id: assistant, limit: MOST } } })).items,
  });
  return (
    <div className={css["stack"]}>
      {mayWrite && (
        <div className={css["card"]}>
          <Form
            schema={added}
            submit={t("sources.add")}
            label={t("sources.add")}
            clears
            send={async (typed, key) => {
              const { url, kind, ...limits } = typed;
              const set = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== null));
              await api.POST("/api/v1/assistants/{id}/sources", {
                params: { path: { id: assistant }, header: { "Idempotency-Key": key } },
                body: { url, kind, ...set } as components["schemas"]["CreateSource"],
              });
              say(t("source.added"));
              await client.invalidateQueries({ queryKey: ["sources", workspace] });
            }}
          >
            <Field name="url" label={t("sources.url")} type="url" inputMode="url" placeholder="https://" maxLength={2000} />
            <Select
              name="kind"
              label={t("sources.kind")}
              value={kind}
              onChange={(event) => setKind(event.target.value)}
              options={(["page", "site", "sitemap"] as const).map((one) => [one, t(`sources.kind.${one}`)])}
            />
            <div className={css["columns"]}>
            {kind === "page" ? (
              <>
                <input type="hidden" name="max_pages" value="" />
                <input type="hidden" name="depth" value="" />
              </>
            ) : (
              <>
                <Field name="max_pages" label={t("sources.max_pages")} inputMode="numeric" />
                {kind === "site" ? (
                  <Field name="depth" label={t("sources.depth")} hint={t("sources.depth.hint")} inputMode="numeric" />
                ) : (
                  <input type="hidden" name="depth" value="" />
                )}
              </>
            )}
            <Field name="refresh_hours" label={t("sources.refresh")} hint={t("sources.refresh.hint")} inputMode="numeric" />
            </div>
          </Form>
        </div>
      )}
      <Loaded
        query={query}
        empty={(sources) => (sources.length === 0 ? <Nothing title={t("sources.none")}>{t("sources.none.hint")}</Nothing> : null)}
      >
        {(sources) => (
          <ul className={css["rows"]} aria-label={t("knowledge.sources")}>
            {sources.map((source) => (
              <SourceRow key={source.id} source={source} mayWrite={mayWrite} />
            ))}
          </ul>
        )}
      </Loaded>
    </div>
  );
}

function SourceRow({ source, mayWrite }: { source: Source; mayWrite: boolean }) {
  const { workspace } = useWork();
  const client = useQueryClient();
  const [isDeleting, setDeleting] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const renewed = async (): Promise<void> => {
    for (const family of ["sources", "documents", "stats"]) await client.invalidateQueries({ queryKey: [family, workspace] });
  };
  const tone = source.status === "ready" ? "good" : source.status === "failed" ? "bad" : "warn";
  return (
    <li className={css["row"]}>
      <div className={css["rowMain"]}>
        <bdi className={css["rowTitle"]}>{source.url}</bdi>
        {source.error !== null && <span className={ui["wrong"]}>{source.error}</span>}
        <span className={css["facts"]}>
          <span>{t(`sources.kind.${source.kind}`)}</span>
          <span>{t("sources.pages", { n: source.pages })}</span>
          {source.fetched_at !== null && (
            <span>
              {t("sources.fetched")} <When at={source.fetched_at} />
            </span>
          )}
          {source.refresh_hours !== null && <span>{t("sources.every", { n: source.refresh_hours })}</span>}
        </span>
        {isOpen && <Pages source={source.id} />}
      </div>
      <State tone={tone}>{t(`sources.${source.status}`)}</State>
      {source.pages > 0 && (
        <Button look="quiet" aria-expanded={isOpen} onPress={() => setOpen(!isOpen)}>
          {t("sources.show")}
        </Button>
      )}
      {mayWrite && (
        <>
          <Act
            act={async () => {
              await api.POST("/api/v1/sources/{id}/fetch", { params: { path: { id: source.id } } });
              await renewed();
            }}
          >
            {t("sources.fetch")}
          </Act>
          <Button look="quiet" onPress={() => setDeleting(true)}>
            {t("sources.delete")}
          </Button>
        </>
      )}
      {isDeleting && (
        <Confirm
          title={t("sources.delete")}
          action={t("sources.delete")}
          act={async () => {
            await api.DELETE("/api/v1/sources/{id}", { params: { path: { id: source.id } } });
            await renewed();
          }}
          close={() => setDeleting(false)}
        >
          <p>{t("sources.delete.hint", { n: source.pages })}</p>
        </Confirm>
      )}
    </li>
  );
}

/** The pages that were fetched; each is a document. */
function Pages({ source }: { source: string }) {
  const { workspace } = useWork();
  const query = useQuery({
    queryKey: ["documents", workspace, "source", source],
    queryFn: async () => body(await api.GET("/api/v1/documents", { params: { query: { source_id: source, limit: MOST } } })).items,
  });
  return (
    <Loaded query={query} rows={2}>
      {(documents) => (
        <ul className={css["bullets"]}>
          {documents.map((document) => (
            <li key={document.id}>
              <Link className={css["link"]} to="/w/$workspace/knowledge/documents/$document" params={{ workspace, document: document.id }}>
                <bdi>{document.title ?? document.url ?? document.name}</bdi>
              </Link>{" "}
              {document.status !== "ready" && <State tone={toneOf(document.status)}>{t(`document.${document.status}`)}</State>}
            </li>
          ))}
        </ul>
      )}
    </Loaded>
  );
}
