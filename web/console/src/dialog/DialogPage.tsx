import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { api, body, Failure } from "../api/client";
import type { Dialog, DialogHead, DialogMarks, Message } from "../api/types";
import { loadRest, t } from "../i18n";
import { ControlBadge, SnoozeBadge } from "../inbox/Control";
import { TagChips } from "../inbox/Tags";
import { useDialogsAround } from "../inbox/context";
import { useStore } from "../live/store";
import { may } from "../session/session";
import { useWork } from "../shell/context";
import { useKeys } from "../ui/keys";
import { Broken, Button, Empty, Skeleton, ui, useNow } from "../ui/ui";
import { Assign } from "./Assign";
import { Composer } from "./Composer";
import css from "./Dialog.module.css";
import type { Kind } from "./drafts";
import { Present } from "./Present";
import { ShowSources } from "./shown";
import { SnoozeMenu } from "./SnoozeMenu";
import { TagMenu } from "./TagMenu";
import { Timeline } from "./Timeline";

const Sources = lazy(async () => {
  const [{ Sources }] = await Promise.all([import("./Sources"), loadRest()]);
  return { default: Sources };
});
const KeepAnswer = lazy(async () => {
  const [{ KeepAnswer }] = await Promise.all([import("../assistants/KeepAnswer"), loadRest()]);
  return { default: KeepAnswer };
});

/** Reads the dialog of the address. */
export function DialogPage() {
  const { workspace, store } = useWork();
  const { dialog: id } = useParams({ from: "/w/$workspace/inbox/$view/$dialog" });
  const dialog = useStore(store, (state) => state.dialogs.get(id));
  const generation = useStore(store, (state) => state.generation);
  const { error, refetch } = useQuery({
    queryKey: ["dialog", workspace, id, generation],
    queryFn: async () => {
      await store.open(id);
      return null;
    },
    gcTime: 0,
    staleTime: 0,
  });

  if (error instanceof Failure && error.status === 404) return <Empty title={t("dialog.notFound")} />;
  if (error && !dialog) return <Broken failure={error} retry={() => void refetch()} />;
  if (!dialog) return <Skeleton rows={7} />;
  return <OpenDialog key={id} dialog={dialog} />;
}

type Step =
  | "takeover"
  | "release"
  | "close"
  | "reopen"
  | { readonly assign: string | null }
  | { readonly snooze: string | null };

async function step(id: string, step: Step, epoch: number): Promise<DialogHead & Partial<DialogMarks>> {
  const params = { path: { id } };
  if (typeof step === "object" && "snooze" in step) {
    return body(await api.PATCH("/api/v1/dialogs/{id}", { params, body: { snoozed_until: step.snooze } }));
  }
  if (typeof step === "object") {
    return body(await api.PATCH("/api/v1/dialogs/{id}", { params, body: { assignee_id: step.assign, epoch } }));
  }
  switch (step) {
    case "takeover":
      return body(await api.POST("/api/v1/dialogs/{id}/takeover", { params, body: { epoch } }));
    case "release":
      return body(await api.POST("/api/v1/dialogs/{id}/release", { params }));
    case "close":
      return body(await api.POST("/api/v1/dialogs/{id}/close", { params }));
    case "reopen":
      return body(await api.POST("/api/v1/dialogs/{id}/reopen", { params }));
  }
}

function OpenDialog({ dialog }: { dialog: Dialog }) {
  const { workspace, store, outbox, me } = useWork();
  const around = useDialogsAround();
  const state = useStore(store, (state) => state);
  const now = useNow(30_000);
  const [kind, setKind] = useState<Kind>("reply");
  const [focus, setFocus] = useState(0);
  const [isAssigning, setAssigning] = useState(false);
  const [isTagging, setTagging] = useState(false);
  const [isSnoozing, setSnoozing] = useState(false);
  const [shown, setShown] = useState<Message | null>(null);
  const [kept, setKept] = useState<{ question: string; answer: string } | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const mayWrite = may(me.permissions, "dialogs:write");
  useRead(dialog);

  useEffect(() => heading.current?.focus(), []);

  const change = useMutation({
    mutationFn: async (wanted: Step) => {
      const asked = store.state.lastEvent;
      return { head: await step(dialog.id, wanted, dialog.epoch), asked };
    },
    onSuccess: ({ head, asked }) => {
      store.controlled(head, asked);
      outbox.dismiss(dialog.id);
    },
    onError: (error) => {
      if (error instanceof Failure) outbox.refused(dialog.id, error);
      void store.open(dialog.id).catch(() => undefined);
    },
  });

  const isMine = dialog.control === "human" && dialog.assignee?.user_id === me.user.id;
  const can = {
    takeover: mayWrite && !isMine && (dialog.control === "ai" || dialog.control === "waiting"),
    release: mayWrite && (isMine || dialog.control === "waiting"),
    close: mayWrite && dialog.control !== "closed" && (dialog.control !== "human" || isMine),
    reopen: mayWrite && dialog.control === "closed",
  };
  const messages = state.timelines.get(dialog.id)?.messages ?? [];
  const answered = messages.findLast((message) => message.answer !== null);
  const reply = messages.findLast((message) => message.author === "operator" && message.kind === "text");
  // What a colleague has may be given away by those who lead; the server knows who that is.
  const canAssign = mayWrite && dialog.control !== "closed";
  const canSnooze = mayWrite && isMine;
  const setTags = async (tags: readonly string[]): Promise<void> => {
    const asked = store.state.lastEvent;
    const params = { path: { id: dialog.id } };
    store.controlled(body(await api.PATCH("/api/v1/dialogs/{id}", { params, body: { tags: [...tags] } })), asked);
  };
  const act = (wanted: keyof typeof can) => (can[wanted] ? () => change.mutate(wanted) : undefined);
  const write = (kind: Kind) => () => {
    setKind(kind);
    setFocus((count) => count + 1);
  };
  const closeAndGo = (): void => {
    const next = around.next;
    change.mutate("close", { onSuccess: () => around.go(next ?? undefined) });
  };
  useKeys({
    KeyT: act("takeover"),
    KeyB: act("release"),
    KeyE: act("close"),
    "Shift+KeyE": can.close ? closeAndGo : undefined,
    KeyA: canAssign ? () => setAssigning(true) : undefined,
    KeyL: mayWrite ? () => setTagging(true) : undefined,
    KeyZ: canSnooze ? () => setSnoozing(true) : undefined,
    KeyR: mayWrite ? write("reply") : undefined,
    KeyN: mayWrite ? write("note") : undefined,
    KeyS: answered ? () => setShown(answered) : undefined,
    KeyQ: reply && may(me.permissions, "documents:write") ? () => setKept(pairOf(messages, reply)) : undefined,
  });

  return (
    <div className={css["dialog"]}>
      <header className={css["head"]}>
        <Link
          className={`${ui["button"]} ${ui["quiet"]} ${ui["icon"]} ${css["back"]}`}
          to="/w/$workspace/inbox/$view"
          params={{ workspace, view: around.view }}
          search={around.filters}
          aria-label={t("nav.back")}
        >
          <ArrowLeft size={20} aria-hidden />
        </Link>
        <div className={css["who"]}>
          <h1 ref={heading} tabIndex={-1}>
            <bdi>{dialog.contact.display_name}</bdi>
          </h1>
          <p className={css["status"]}>
            <ControlBadge dialog={dialog} state={state} me={me.user.id} now={now} />
            <SnoozeBadge dialog={dialog} now={now} />
            {dialog.handoff_reason && <span>· {t(`reason.${dialog.handoff_reason}`)}</span>}
            <TagChips dialog={dialog} most={4} />
            <Present dialog={dialog.id} />
          </p>
        </div>
        <div className={css["actions"]} role="group" aria-label={t("dialog.actions")}>
          {mayWrite && (
            <TagMenu
              chosen={dialog.tags.map((tag) => tag.id)}
              isOpen={isTagging}
              setOpen={setTagging}
              set={setTags}
            />
          )}
          {canSnooze && (
            <SnoozeMenu
              dialog={dialog}
              isOpen={isSnoozing}
              setOpen={setSnoozing}
              isBusy={change.isPending}
              snooze={(until) => change.mutate({ snooze: until })}
            />
          )}
          {can.takeover && (
            <Button onPress={act("takeover")!} isDisabled={change.isPending}>
              {t("dialog.takeover")}
            </Button>
          )}
          {canAssign && (
            <Assign
              dialog={dialog}
              isOpen={isAssigning}
              setOpen={setAssigning}
              isBusy={change.isPending}
              assign={(member) => change.mutate({ assign: member })}
            />
          )}
          {can.release && (
            <Button onPress={act("release")!} isDisabled={change.isPending}>
              {t("dialog.release")}
            </Button>
          )}
          {can.close && (
            <Button onPress={act("close")!} isDisabled={change.isPending}>
              {t("dialog.close")}
            </Button>
          )}
          {can.reopen && (
            <Button onPress={act("reopen")!} isDisabled={change.isPending}>
              {t("dialog.reopen")}
            </Button>
          )}
        </div>
      </header>
      <ShowSources value={setShown}>
        <Timeline dialog={dialog} />
      </ShowSources>
      <Composer
        dialog={dialog}
        kind={kind}
        setKind={(kind) => write(kind)()}
        focus={focus}
        mayWrite={mayWrite}
        reopen={() => change.mutate("reopen")}
      />
      {shown && (
        <Suspense>
          <Sources message={shown} assistant={dialog.assistant_id} close={() => setShown(null)} />
        </Suspense>
      )}
      {kept && (
        <Suspense>
          <KeepAnswer id={dialog.assistant_id} kept={kept} close={() => setKept(null)} />
        </Suspense>
      )}
    </div>
  );
}

/** An operator's reply, and what the customer had asked before it. */
function pairOf(messages: readonly Message[], reply: Message): { question: string; answer: string } {
  const asked = messages.findLast((message) => message.author === "customer" && message.seq < reply.seq);
  return { question: asked?.text.slice(0, 1000) ?? "", answer: reply.text };
}

/** Notes that the reader has read what is in sight of them. */
function useRead(dialog: Dialog): void {
  const { store } = useWork();
  const { id, unread, last_seq: last } = dialog;
  const [isVisible, setVisible] = useState(document.visibilityState === "visible");
  useEffect(() => {
    const look = (): void => setVisible(document.visibilityState === "visible");
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);

  useEffect(() => {
    if (!isVisible || unread === 0) return;
    const timer = setTimeout(() => {
      const noted = api.PUT("/api/v1/dialogs/{id}/read", { params: { path: { id } }, body: { seq: last } });
      // When it fails, the dialog stays unread, and the next look tries again.
      noted.then(() => store.read(id, last)).catch(() => undefined);
    }, 300);
    return () => clearTimeout(timer);
  }, [store, id, unread, last, isVisible]);
}
