import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useId } from "react";
import { api, body } from "../api/client";
import { assistantsQuery, statsQuery } from "../data/queries";
import { bytes, t } from "../i18n";
import { may } from "../session/session";
import { useWork } from "../shell/context";
import { Act, Loaded, Nothing, page as css, Page, State, When } from "../ui/page";
import { Button, ui } from "../ui/ui";
import { Answers } from "./Answers";
import own from "./Knowledge.module.css";
import { Sources } from "./Sources";
import { sorted, toneOf, type Document } from "./status";
import { Uploader } from "./Uploader";

const TABS = ["documents", "sources", "answers"] as const;

/** What the assistants know: documents, pages of the web, and answers that people wrote. */
export function KnowledgePage() {
  const { workspace } = useWork();
  const search = useSearch({ from: "/w/$workspace/knowledge" });
  const query = useQuery(assistantsQuery(workspace));
  const navigate = useNavigate();
  const chosen = query.data?.find((one) => one.id === search.assistant) ?? query.data?.[0];
  const tab = search.tab ?? "documents";
  const id = useId();
  return (
    <Page
      title={t("nav.knowledge")}
      isWide
      actions={
        query.data &&
        query.data.length > 1 && (
          <>
            <label htmlFor={id} className={css["soft"]}>
              {t("filter.assistant")}
            </label>
            <select
              id={id}
              className={`${ui["input"]} ${own["assistant"]}`}
              value={chosen?.id}
              onChange={(event) => void navigate({ to: ".", search: { ...search, assistant: event.target.value } })}
            >
              {query.data.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.name}
                </option>
              ))}
            </select>
          </>
        )
      }
      lead={chosen && <Stats assistant={chosen.id} />}
    >
      <Loaded
        query={query}
        empty={(assistants) =>
          assistants.length === 0 ? (
            <Nothing title={t("knowledge.noAssistant")}>
              <Link className={css["link"]} to="/w/$workspace/start" params={{ workspace }}>
                {t("nav.start")}
              </Link>
            </Nothing>
          ) : null
        }
      >
        {() =>
          chosen && (
            <>
              <nav className={css["tabs"]} aria-label={t("knowledge.kinds")}>
                {TABS.map((one) => (
                  <Link
                    key={one}
                    className={css["tab"]}
                    to="/w/$workspace/knowledge"
                    params={{ workspace }}
                    search={{ assistant: chosen.id, tab: one }}
                    activeProps={{}}
                    aria-current={one === tab ? "true" : "false"}
                  >
                    {t(`knowledge.${one}`)}
                  </Link>
                ))}
              </nav>
              {tab === "documents" && <Documents key={chosen.id} assistant={chosen.id} tag={search.tag} />}
              {tab === "sources" && <Sources key={chosen.id} assistant={chosen.id} />}
              {tab === "answers" && <Answers key={chosen.id} assistant={chosen.id} />}
            </>
          )
        }
      </Loaded>
    </Page>
  );
}

function Stats({ assistant }: { assistant: string }) {
  const { workspace } = useWork();
  const { data } = useQuery(statsQuery(workspace, assistant));
  if (!data) return null;
  return (
    <span className={css["facts"]} role="status">
      <span>{t("assistant.documents", { n: data.documents })}</span>
      <span>{t("knowledge.answersCount", { n: data.answers })}</span>
      <span>{t("knowledge.passages", { n: data.passages })}</span>
      {data.waiting > 0 && <State tone="warn">{t("start.reading", { n: data.waiting })}</State>}
      {data.failed > 0 && <State tone="bad">{t("start.failed", { n: data.failed })}</State>}
      {data.embedding_model === null && <span>{t("knowledge.wordsOnly")}</span>}
    </span>
  );
}

function Documents({ assistant, tag }: { assistant: string; tag: string | undefined }) {
  const { workspace, me } = useWork();
  const mayWrite = may(me.permissions, "documents:write");
  const query = useInfiniteQuery({
    queryKey: ["documents", workspace, assistant, tag],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam }) =>
      body(
        await api.GET("/api/v1/documents", {
          params: {
            query: {
              assistant_id: assistant,
              limit: 100,
              ...(tag === undefined ? {} : { tag }),
              ...(pageParam === undefined ? {} : { cursor: pageParam }),
            },
          },
        }),
      ),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  return (
    <div className={css["stack"]}>
      {mayWrite && <Uploader assistant={assistant} isBrief />}
      {tag !== undefined && (
        <p className={css["actions"]}>
          <span>{t("knowledge.tagged", { what: tag })}</span>
          <Link className={css["link"]} to="/w/$workspace/knowledge" params={{ workspace }} search={{ assistant }}>
            {t("filter.clear")}
          </Link>
        </p>
      )}
      <Loaded
        query={query}
        empty={({ pages }) =>
          pages[0]?.items.length === 0 ? <Nothing title={t("knowledge.none")}>{t("knowledge.none.hint")}</Nothing> : null
        }
      >
        {({ pages }) => (
          <ul className={css["rows"]} aria-label={t("knowledge.documents")}>
            {sorted(pages.flatMap((page) => page.items)).map((document) => (
              <DocumentRow key={document.id} document={document} assistant={assistant} mayWrite={mayWrite} />
            ))}
          </ul>
        )}
      </Loaded>
      {query.hasNextPage && (
        <Button onPress={() => void query.fetchNextPage()} isDisabled={query.isFetchingNextPage}>
          {t("page.more")}
        </Button>
      )}
    </div>
  );
}

function DocumentRow({ document, assistant, mayWrite }: { document: Document; assistant: string; mayWrite: boolean }) {
  const { workspace } = useWork();
  return (
    <li className={css["row"]}>
      <div className={css["rowMain"]}>
        <Link className={css["rowTitle"]} to="/w/$workspace/knowledge/documents/$document" params={{ workspace, document: document.id }}>
          <bdi>{document.name}</bdi>
        </Link>
        {document.error !== null && <span className={ui["wrong"]}>{document.error}</span>}
        {document.warnings.map((warning, index) => (
          <span key={index} className={own["warning"]}>
            {warning.detail}
          </span>
        ))}
        <span className={css["facts"]}>
          <span>{document.kind}</span>
          <span>{bytes(document.size)}</span>
          {document.passages > 0 && <span>{t("knowledge.passages", { n: document.passages })}</span>}
          <When at={document.updated_at} />
          {document.tags.map((tag) => (
            <Link key={tag} className={own["tag"]} to="/w/$workspace/knowledge" params={{ workspace }} search={{ assistant, tag }}>
              <bdi>{tag}</bdi>
            </Link>
          ))}
        </span>
      </div>
      <State tone={toneOf(document.status)}>{t(`document.${document.status}`)}</State>
      {mayWrite && document.status === "failed" && (
        <Act
          act={async () => {
            await api.POST("/api/v1/documents/{id}/reindex", { params: { path: { id: document.id } } });
          }}
        >
          {t("error.retry")}
        </Act>
      )}
    </li>
  );
}
