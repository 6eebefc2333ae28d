import { useQueryClient } from "@tanstack/react-query";
import { Upload as UploadIcon } from "lucide-react";
import { useEffect } from "react";
import { DropZone, FileTrigger, type FileDropItem } from "react-aria-components";
import { bytes, t } from "../i18n";
import { useWork } from "../shell/context";
import { page as css, State } from "../ui/page";
import { Button, explain, ui } from "../ui/ui";
import own from "./Knowledge.module.css";
import { uploads, useUploads } from "./uploads";

const KINDS = ".txt,.md,.html,.htm,.pdf,.docx,.xlsx,.csv,.pptx,.json,.rtf,.odt,.epub,.eml";

/** Files are dropped or chosen here; what becomes of each is shown below. */
export function Uploader({ assistant, isBrief = false }: { assistant: string; isBrief?: boolean }) {
  const { workspace } = useWork();
  const client = useQueryClient();
  useEffect(
    () =>
      uploads.onDone(() => {
        for (const family of ["documents", "stats"]) void client.invalidateQueries({ queryKey: [family, workspace] });
      }),
    [client, workspace],
  );
  return (
    <div className={css["stack"]}>
      <DropZone
        className={own["drop"]!}
        onDrop={(event) => {
          const items = event.items.filter((item): item is FileDropItem => item.kind === "file");
          void Promise.all(items.map((item) => item.getFile())).then((files) => uploads.add(assistant, files));
        }}
      >
        <UploadIcon size={20} aria-hidden />
        <p>{t("upload.drop")}</p>
        <FileTrigger allowsMultiple acceptedFileTypes={KINDS.split(",")} onSelect={(files) => files && uploads.add(assistant, files)}>
          <Button>{t("upload.choose")}</Button>
        </FileTrigger>
        <p className={ui["hint"]}>{t("upload.kinds")}</p>
      </DropZone>
      <UploadList assistant={assistant} isBrief={isBrief} />
    </div>
  );
}

function UploadList({ assistant, isBrief }: { assistant: string; isBrief: boolean }) {
  const all = useUploads().filter((one) => one.assistant === assistant);
  if (all.length === 0) return null;
  // What has arrived stands in the list of documents already.
  const shown = isBrief ? all.filter((one) => one.is !== "done" || one.sameName > 0) : all;
  const over = all.filter((one) => one.is !== "waiting" && one.is !== "sending").length;
  return (
    <div className={css["stack"]}>
      <div className={css["sectionHead"]}>
        <p className={own["uploadsTitle"]} role="status">
          {t("upload.progress", { n: all.length, done: over })}
        </p>
        {over === all.length && (
          <Button look="quiet" onPress={() => uploads.clear(assistant)}>
            {t("upload.clear")}
          </Button>
        )}
      </div>
      <ul className={css["rows"]} aria-label={t("upload.label")} hidden={shown.length === 0}>
        {shown.map((one) => (
          <li key={one.id} className={css["row"]}>
            <div className={css["rowMain"]}>
              <bdi>{one.name}</bdi>
              {one.is === "failed" && one.failure && <span className={ui["wrong"]}>{explain(one.failure)}</span>}
              {one.is === "done" && one.sameName > 0 && (
                <span className={css["soft"]}>{t("upload.sameName", { n: one.sameName })}</span>
              )}
              {one.is === "sending" && (
                <progress className={own["progress"]} max={one.size || 1} value={one.sent} aria-label={one.name} />
              )}
            </div>
            <span className={css["facts"]}>{bytes(one.size)}</span>
            <State tone={one.is === "failed" ? "bad" : one.is === "done" || one.is === "unchanged" ? "good" : "soft"}>
              {t(`upload.is.${one.is}`)}
            </State>
            {one.is === "failed" && <Button onPress={() => uploads.retry(one.id)}>{t("error.retry")}</Button>}
          </li>
        ))}
      </ul>
    </div>
  );
}
