import { X } from "lucide-react";
import { useEffect, useId, useRef } from "react";
import { ToggleButton, ToggleButtonGroup } from "react-aria-components";
import type { Dialog } from "../api/types";
import { t, type Key } from "../i18n";
import { useWork } from "../shell/context";
import { Button, ui } from "../ui/ui";
import { CannedMenu, useCanned } from "./CannedMenu";
import css from "./Dialog.module.css";
import { draft, setDraft, useDraft, type Kind } from "./drafts";
import { useKept } from "./kept";
import { useAttending } from "./Present";
import { useRefusal, type Refusal } from "./outbox";

/** The longest text, characters. */
const LONGEST = 16_000;

interface Props {
  dialog: Dialog;
  kind: Kind;
  setKind: (kind: Kind) => void;
  /** Grows when the text is to get the focus. */
  focus: number;
  mayWrite: boolean;
  reopen: () => void;
}

export function Composer({ dialog, kind, setKind, focus, mayWrite, reopen }: Props) {
  const { workspace, outbox } = useWork();
  const text = useDraft(workspace, dialog.id, kind);
  useKept(workspace, dialog.id, kind === "reply" ? text : draft(workspace, dialog.id, "reply"), mayWrite);
  const typing = useAttending(dialog.id, mayWrite);
  const refusal = useRefusal(outbox, dialog.id);
  const area = useRef<HTMLTextAreaElement>(null);
  const list = useId();
  const canned = useCanned(dialog.id, text, mayWrite && kind === "reply", (text) => {
    setDraft(workspace, dialog.id, kind, text);
    area.current?.focus();
  });
  useEffect(() => {
    if (focus > 0) area.current?.focus();
  }, [focus, kind]);

  if (!mayWrite) return <p className={css["closed"]}>{t("composer.readonly")}</p>;

  const name = dialog.contact.display_name;
  const isReply = kind === "reply";
  const isClosed = dialog.control === "closed";
  const cannotReply = isReply && (isClosed || dialog.contact.blocked);
  const excess = [...text].length - LONGEST;
  const canSend = text.trim() !== "" && excess <= 0 && !cannotReply;

  const send = (): void => {
    // The state may be behind what was typed last.
    const written = draft(workspace, dialog.id, kind).trim();
    if (written === "" || !canSend) return;
    outbox.send(dialog.id, kind, written);
    setDraft(workspace, dialog.id, kind, "");
    area.current?.focus();
  };

  return (
    <form
      className={css["composer"]}
      data-kind={kind}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {refusal && <Refused refusal={refusal} dismiss={() => outbox.dismiss(dialog.id)} />}
      {isReply && dialog.contact.blocked && (
        <p className={ui["notice"]} data-tone="bad">
          {t("dialog.blocked")}
        </p>
      )}
      <div className={css["bar"]}>
        <ToggleButtonGroup
          aria-label={t("composer.kind")}
          selectionMode="single"
          disallowEmptySelection
          selectedKeys={[kind]}
          onSelectionChange={(keys) => setKind(keys.has("note") ? "note" : "reply")}
        >
          <ToggleButton id="reply" className={css["tab"]!}>
            {t("composer.reply")}
          </ToggleButton>
          <ToggleButton id="note" className={css["tab"]!}>
            {t("composer.note")}
          </ToggleButton>
        </ToggleButtonGroup>
        <span className={css["grow"]} />
        {isReply && isClosed && (
          <>
            <span className={css["hint"]}>{t("composer.closed")}</span>
            <Button onPress={reopen}>{t("dialog.reopen")}</Button>
          </>
        )}
      </div>
      <CannedMenu id={list} canned={canned} />
      <textarea
        ref={area}
        {...(canned.shown.length > 0
          ? { "aria-autocomplete": "list", "aria-controls": list, "aria-activedescendant": `${list}-${canned.at}` }
          : {})}
        className={css["text"]}
        dir="auto"
        rows={2}
        value={text}
        aria-label={t(isReply ? "composer.reply.label" : "composer.note.label", { name })}
        placeholder={t(isReply ? "composer.reply.placeholder" : "composer.note.placeholder", { name })}
        onChange={(event) => {
          setDraft(workspace, dialog.id, kind, event.target.value);
          if (isReply && event.target.value !== "") typing();
        }}
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing || canned.press(event)) return;
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            send();
          }
          // Nothing is lost: it only leaves the field, so that single keys work again.
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      <div className={css["bar"]}>
        {excess > 0 && (
          <span className={ui["wrong"]} role="alert">
            {t("composer.tooLong", { n: excess })}
          </span>
        )}
        <span className={css["grow"]} />
        <span className={css["hint"]} aria-hidden>
          {t("composer.hint")}
        </span>
        <Button look="primary" type="submit" isDisabled={!canSend}>
          {!isReply
            ? t("composer.addNote")
            : dialog.control === "ai" || dialog.control === "waiting"
              ? t("composer.takeoverAndSend")
              : t("composer.send")}
        </Button>
      </div>
    </form>
  );
}

const TOLD = new Set(["not_yours", "newer_reply", "closed", "contact_blocked", "channel_deleted", "not_waiting"]);

function Refused({ refusal, dismiss }: { refusal: Refusal; dismiss: () => void }) {
  const name = refusal.name || t("control.colleague");
  const text = TOLD.has(refusal.code)
    ? t(`refused.${refusal.code}` as Key, { name })
    : t("refused.other", { detail: refusal.detail });
  return (
    <div className={`${ui["notice"]} ${css["refusal"]}`} role="alert" data-tone="bad">
      <p>{text}</p>
      <Button look="icon" onPress={dismiss} aria-label={t("composer.dismiss")}>
        <X size={16} aria-hidden />
      </Button>
    </div>
  );
}
