import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { assistantsQuery, statsQuery } from "../data/queries";
import { t } from "../i18n";
import { may } from "../session/session";
import { useWork } from "../shell/context";
import { Overlay } from "../shell/Overlay";
import { money } from "../ui/money";
import { Loaded, Nothing, page as css, Page, State } from "../ui/page";
import { Button } from "../ui/ui";
import { CreateAssistant, type Assistant } from "./CreateAssistant";
import { pauseQuery } from "./data";

export function AssistantsPage() {
  const { workspace, me } = useWork();
  const query = useQuery(assistantsQuery(workspace));
  const [isNew, setNew] = useState(false);
  const navigate = useNavigate();
  const mayWrite = may(me.permissions, "assistants:write");
  const create = mayWrite && (
    <Button look="primary" onPress={() => setNew(true)}>
      {t("assistant.new")}
    </Button>
  );
  return (
    <Page title={t("nav.assistants")} lead={t("assistants.lead")} actions={query.data?.length !== 0 && create}>
      <Loaded
        query={query}
        empty={(assistants) =>
          assistants.length === 0 ? <Nothing title={t("assistants.none")}>{create}</Nothing> : null
        }
      >
        {(assistants) => (
          <ul className={css["rows"]}>
            {assistants.map((assistant) => (
              <Row key={assistant.id} assistant={assistant} />
            ))}
          </ul>
        )}
      </Loaded>
      {isNew && (
        <Overlay label={t("assistant.new")} isWide close={() => setNew(false)}>
          <div className={css["stack"]}>
            <h2>{t("assistant.new")}</h2>
            <CreateAssistant
              beside={<Button onPress={() => setNew(false)}>{t("confirm.cancel")}</Button>}
              done={(made) => void navigate({ to: "/w/$workspace/assistants/$assistant", params: { workspace, assistant: made.id } })}
            />
          </div>
        </Overlay>
      )}
    </Page>
  );
}

function Row({ assistant }: { assistant: Assistant }) {
  const { workspace } = useWork();
  const { data: stats } = useQuery(statsQuery(workspace, assistant.id));
  const { data: pause } = useQuery(pauseQuery(workspace, assistant.id));
  return (
    <li className={css["row"]}>
      <div className={css["rowMain"]}>
        <Link className={css["rowTitle"]} to="/w/$workspace/assistants/$assistant" params={{ workspace, assistant: assistant.id }}>
          <bdi>{assistant.name}</bdi>
        </Link>
        <span className={css["facts"]}>
          <span>{t("assistant.version", { n: assistant.published })}</span>
          <span>{t(`language.${assistant.language}`)}</span>
          <bdi>{assistant.model ?? t("model.default")}</bdi>
          {stats && <span>{t("assistant.documents", { n: stats.documents })}</span>}
          {stats && <span>{t("assistant.today", { n: stats.today.calls, cost: money(stats.today.cost, "USD") })}</span>}
        </span>
      </div>
      {stats !== undefined && stats.failed > 0 && <State tone="bad">{t("assistant.failed", { n: stats.failed })}</State>}
      {pause?.paused === true ? <State tone="warn">{t("assistant.paused")}</State> : pause && <State tone="good">{t("assistant.answers")}</State>}
    </li>
  );
}
