import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { FileTrigger } from "react-aria-components";
import * as v from "valibot";
import { api, body, Failure } from "../api/client";
import { split } from "../assistants/highlight";
import { assistantsQuery } from "../data/queries";
import { bytes, t } from "../i18n";
import { may } from "../session/session";
import { useWork } from "../shell/context";
import { download } from "../ui/download";
import { Field, Form, needed, optional } from "../ui/form";
import { Act, Confirm, Loaded, page as css, Page, Section, State, When } from "../ui/page";
import { say } from "../ui/said";
import { Button, explain, ui } from "../ui/ui";
import own from "./Knowledge.module.css";
import { parseTags, toneOf, type Document } from "./status";
import { sendFile } from "./uploads";

/** A document: what was read out of it, and what can be done with it. */
export function DocumentPage() {
  const { workspace } = useWork();
  const { document: id } = useParams({ from: "/w/$workspace/knowledge/documents/$document" });
  const query = useQuery({
    queryKey: ["document", workspace, id],
    queryFn: async () => body(await api.GET("/api/v1/documents/{id}", { params: { path: { id } } })),
  });
  const first = query.data?.assistant_ids[0];
  return (
    <Page
      key={id}
      title={query.data?.title ?? query.data?.name ?? t("nav.knowledge")}
      above={
        <Link to="/w/$workspace/knowledge" params={{ workspace }} search={first === undefined ? {} : { assistant: first }}>
          {t("nav.knowledge")}
        </Link>
      }
    >
      <Loaded query={query}>
        {(document) => (
          <>
            <Head document={document} />
            {document.status !== "failed" && document.passages > 0 && <Text document={document} />}
          </>
        )}
      </Loaded>
    </Page>
  );
}

const edited = v.object({ name: needed, tags: optional });

function Head({ document }: { document: Document }) {
  const { workspace, me } = useWork();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { data: assistants } = useQuery(assistantsQuery(workspace));
  const mayWrite = may(me.permissions, "documents:write");
  const [isDeleting, setDeleting] = useState(false);
  const [sent, setSent] = useState<number | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const renewed = async (): Promise<void> => {
    for (const family of ["document", "documents", "stats"]) await client.invalidateQueries({ queryKey: [family, workspace] });
  };
  const replace = async (file: File): Promise<void> => {
    setFailure(null);
    setSent(0);
    try {
      const given = await sendFile("PUT", `/api/v1/documents/${document.id}/file`, file, crypto.randomUUID(), setSent);
      say(given.unchanged ? t("document.same") : t("document.replaced"));
      await renewed();
    } catch (error) {
      setFailure(error instanceof Failure ? error : new Failure(0, "offline", null, null, null));
    } finally {
      setSent(null);
    }
  };
  const isFile = document.url === null && document.kind !== "answer";
  return (
    <>
      <div className={css["card"]}>
        <p className={css["facts"]}>
          <State tone={toneOf(document.status)}>{t(`document.${document.status}`)}</State>
          <bdi>{document.name}</bdi>
          <span>{document.kind}</span>
          <span>{bytes(document.size)}</span>
          <span>{t("knowledge.passages", { n: document.passages })}</span>
          {document.embedded_with === null && document.status === "ready" && <span>{t("knowledge.wordsOnly")}</span>}
          <When at={document.updated_at} />
        </p>
        {document.url !== null && /^https?:\/\//i.test(document.url) && (
          <a className={css["link"]} href={document.url} target="_blank" rel="noopener noreferrer nofollow">
            {document.url}
          </a>
        )}
        {document.error !== null && (
          <p className={ui["notice"]} data-tone="bad">
            {document.error}
          </p>
        )}
        {document.warnings.map((warning, index) => (
          <p key={index} className={ui["notice"]}>
            {warning.detail}
          </p>
        ))}
        <p className={css["facts"]}>
          {t("document.usedBy")}
          {(assistants ?? [])
            .filter((one) => document.assistant_ids.includes(one.id))
            .map((one) => (
              <Link key={one.id} className={css["link"]} to="/w/$workspace/assistants/$assistant" params={{ workspace, assistant: one.id }}>
                <bdi>{one.name}</bdi>
              </Link>
            ))}
        </p>
        <div className={css["actions"]}>
          <Act act={() => download(`/api/v1/documents/${document.id}/file`, document.name)}>{t("document.download")}</Act>
          {mayWrite && isFile && (
            <FileTrigger onSelect={(files) => files?.[0] && void replace(files[0])}>
              <Button isDisabled={sent !== null}>{t("document.replace")}</Button>
            </FileTrigger>
          )}
          {mayWrite && (
            <>
              <Act
                act={async () => {
                  await api.POST("/api/v1/documents/{id}/reindex", { params: { path: { id: document.id } } });
                  await renewed();
                }}
              >
                {t("document.reindex")}
              </Act>
              <Button onPress={() => setDeleting(true)}>{t("document.delete")}</Button>
            </>
          )}
        </div>
        {sent !== null && <progress className={own["progress"]} value={sent} aria-label={t("document.replace")} />}
        {failure !== null && (
          <p role="alert" className={ui["wrong"]}>
            {explain(failure)}
          </p>
        )}
      </div>
      {mayWrite && (
        <Section title={t("document.about")}>
          <Form
            key={document.updated_at}
            schema={edited}
            submit={t("form.save")}
            look="plain"
            send={async ({ name, tags }) => {
              await api.PATCH("/api/v1/documents/{id}", {
                params: { path: { id: document.id } },
                body: { name, tags: parseTags(tags) },
              });
              say(t("form.saved"));
              await renewed();
            }}
          >
            <Field name="name" label={t("assistant.name")} defaultValue={document.name} maxLength={255} />
            <Field name="tags" label={t("field.tags")} hint={t("document.tags.hint")} defaultValue={document.tags.join(", ")} />
          </Form>
          <Links document={document} />
        </Section>
      )}
      {isDeleting && (
        <Confirm
          title={t("document.delete")}
          action={t("document.delete")}
          act={async () => {
            await api.DELETE("/api/v1/documents/{id}", { params: { path: { id: document.id } } });
            say(t("document.deleted"));
            // The list is not in sight now, and must not show the document when it is.
            for (const family of ["documents", "stats"]) {
              await client.invalidateQueries({ queryKey: [family, workspace], refetchType: "all" });
            }
            const assistant = document.assistant_ids[0];
            await navigate({ to: "/w/$workspace/knowledge", params: { workspace }, search: assistant === undefined ? {} : { assistant } });
          }}
          close={() => setDeleting(false)}
        >
          <p>{t("document.delete.hint", { name: document.name })}</p>
        </Confirm>
      )}
    </>
  );
}

/** The assistants that know the document. */
function Links({ document }: { document: Document }) {
  const { workspace } = useWork();
  const client = useQueryClient();
  const { data: assistants } = useQuery(assistantsQuery(workspace));
  if (!assistants || assistants.length < 2) return null;
  return (
    <ul className={css["rows"]} aria-label={t("document.usedBy")}>
      {assistants.map((one) => {
        const isLinked = document.assistant_ids.includes(one.id);
        const path = { params: { path: { id: one.id, document_id: document.id } } };
        return (
          <li key={one.id} className={css["row"]}>
            <bdi className={css["rowMain"]}>{one.name}</bdi>
            <Act
              label={`${isLinked ? t("document.unlink") : t("document.link")}: ${one.name}`}
              act={async () => {
                if (isLinked) await api.DELETE("/api/v1/assistants/{id}/documents/{document_id}", path);
                else await api.PUT("/api/v1/assistants/{id}/documents/{document_id}", path);
                for (const family of ["document", "documents", "stats"]) await client.invalidateQueries({ queryKey: [family, workspace] });
              }}
            >
              {isLinked ? t("document.unlink") : t("document.link")}
            </Act>
          </li>
        );
      })}
    </ul>
  );
}

/** The text that was read, a part at a time; the passage of the address is marked. */
function Text({ document }: { document: Document }) {
  const { workspace } = useWork();
  const { start, end } = useSearch({ from: "/w/$workspace/knowledge/documents/$document" });
  const mark = useRef<HTMLElement>(null);
  const query = useInfiniteQuery({
    queryKey: ["document", workspace, document.id, "text", start],
    initialPageParam: Math.max(0, (start ?? 0) - 2000),
    queryFn: async ({ pageParam }) =>
      body(
        await api.GET("/api/v1/documents/{id}/text", {
          params: { path: { id: document.id }, query: { start: pageParam, limit: 20_000 } },
        }),
      ),
    getNextPageParam: (part) => part.next ?? undefined,
  });
  useEffect(() => {
    mark.current?.scrollIntoView({ block: "center" });
  }, [query.data?.pages.length]);
  return (
    <Section title={t("document.text")}>
      <Loaded query={query}>
        {({ pages }) => (
          <div className={own["text"]} dir="auto" tabIndex={0} role="group" aria-label={t("document.read")}>
            {pages.map((part) => {
              if (start === undefined || end === undefined) return <span key={part.start}>{part.text}</span>;
              const [before, inside, after] = split(part.text, part.start, start, end);
              return (
                <span key={part.start}>
                  {before}
                  {inside !== "" && <mark ref={mark}>{inside}</mark>}
                  {after}
                </span>
              );
            })}
          </div>
        )}
      </Loaded>
      {query.hasNextPage && (
        <Button onPress={() => void query.fetchNextPage()} isDisabled={query.isFetchingNextPage}>
          {t("page.more")}
        </Button>
      )}
    </Section>
  );
}
