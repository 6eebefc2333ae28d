import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "../api/client";
import { t } from "../i18n";
import { may } from "../session/session";
import { useWork } from "../shell/context";
import { Confirm, Loaded, page as css, Section, State, When } from "../ui/page";
import { say } from "../ui/said";
import { Button } from "../ui/ui";
import { versionsQuery } from "./data";
import { Differences } from "./Differences";

/** What was published, what each version changed, and the way back. */
export function VersionsPage() {
  const { workspace, me } = useWork();
  const { assistant: id } = useParams({ from: "/w/$workspace/assistants/$assistant" });
  const client = useQueryClient();
  const query = useQuery(versionsQuery(workspace, id));
  const mayWrite = may(me.permissions, "assistants:write");
  const [shown, setShown] = useState<number | null>(null);
  const [back, setBack] = useState<number | null>(null);
  const versions = query.data ?? [];
  const current = versions.find((version) => version.published);
  const target = versions.find((version) => version.number === back);
  return (
    <Section title={t("assistant.versions")} hint={t("versions.hint")}>
      <Loaded query={query}>
        {(versions) => (
          <ol className={css["rows"]}>
            {versions.map((version, index) => {
              const before = versions[index + 1];
              return (
                <li key={version.number} className={css["row"]}>
                  <div className={css["rowMain"]}>
                    <span className={css["rowTitle"]}>{t("assistant.version", { n: version.number })}</span>
                    {version.note !== "" && <bdi>{version.note}</bdi>}
                    <span className={css["facts"]}>
                      <bdi>{version.created_by}</bdi>
                      <When at={version.created_at} />
                      {version.run_id !== null && <span>{t("versions.gated")}</span>}
                    </span>
                    {shown === version.number && before && <Differences before={before.settings} after={version.settings} />}
                  </div>
                  {version.published && <State tone="good">{t("versions.current")}</State>}
                  {before && (
                    <Button
                      look="quiet"
                      aria-expanded={shown === version.number}
                      onPress={() => setShown(shown === version.number ? null : version.number)}
                    >
                      {t("versions.changes")}
                    </Button>
                  )}
                  {mayWrite && !version.published && (
                    <Button onPress={() => setBack(version.number)}>{t("versions.back", { n: version.number })}</Button>
                  )}
                </li>
              );
            })}
          </ol>
        )}
      </Loaded>
      {target && current && (
        <Confirm
          title={t("versions.back", { n: target.number })}
          action={t("versions.back", { n: target.number })}
          act={async () => {
            await api.POST("/api/v1/assistants/{id}/rollback", { params: { path: { id } }, body: { number: target.number } });
            for (const family of ["assistant", "assistants", "versions"]) {
              await client.invalidateQueries({ queryKey: [family, workspace] });
            }
            say(t("versions.done", { n: target.number }));
          }}
          close={() => setBack(null)}
        >
          <p>{t("versions.back.hint")}</p>
          <Differences before={current.settings} after={target.settings} />
        </Confirm>
      )}
    </Section>
  );
}
