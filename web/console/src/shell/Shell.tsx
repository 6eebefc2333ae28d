import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Outlet, useNavigate, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { onSignedOut, actIn } from "../api/client";
import { t } from "../i18n";
import { Outbox } from "../dialog/outbox";
import { Store, useConnection } from "../live/store";
import { LAST_WORKSPACE, meQuery } from "../session/session";
import { useFresh } from "../data/fresh";
import { useKeys } from "../ui/keys";
import { Said } from "../ui/said";
import { remember } from "../ui/memory";
import { Broken, Empty, Skeleton, ui } from "../ui/ui";
import type { Me } from "../api/types";
import { WorkContext } from "./context";
import { KeysHelp } from "./KeysHelp";
import { Rail } from "./Rail";
import { useNotices, useWaitingNotices } from "./notices";
import { Overlay } from "./Overlay";
import css from "./Shell.module.css";

const Palette = lazy(async () => ({ default: (await import("./Palette")).Palette }));
const SignInForm = lazy(async () => ({ default: (await import("../session/SignIn")).SignInForm }));

/** Everything inside a workspace. */
export function WorkspacePage() {
  const { workspace } = useParams({ from: "/w/$workspace" });
  actIn(workspace);
  const { data: me, error, refetch } = useQuery(meQuery(workspace));
  const [isOut, setOut] = useState(false);
  const client = useQueryClient();
  useEffect(() => onSignedOut(() => setOut(true)), []);
  useEffect(() => remember(LAST_WORKSPACE, workspace), [workspace]);

  const again = isOut && (
    <Overlay label={t("signIn.title")} isDismissable={false} close={() => undefined}>
      <Suspense fallback={<Skeleton rows={3} />}>
        <SignInForm
          isAgain
          done={() => {
            setOut(false);
            void client.invalidateQueries();
            dispatchEvent(new Event("online"));
          }}
        />
      </Suspense>
    </Overlay>
  );

  if (error && !me) {
    return (
      <>
        <Broken failure={error} retry={() => void refetch()} />
        {again}
      </>
    );
  }
  if (!me) return <Skeleton rows={5} />;
  if (!me.workspace) return <Empty page title={t("error.forbidden")} />;
  return (
    <>
      <Work key={workspace} workspace={workspace} me={me} />
      {again}
    </>
  );
}

function useOpen(workspace: string): { store: Store; outbox: Outbox } | null {
  const [open, setOpen] = useState<{ store: Store; outbox: Outbox } | null>(null);
  useEffect(() => {
    const store = new Store(workspace);
    const outbox = new Outbox(store);
    setOpen({ store, outbox });
    return () => {
      outbox.stop();
      store.stop();
    };
  }, [workspace]);
  return open;
}

function Work({ workspace, me }: { workspace: string; me: Me }) {
  const open = useOpen(workspace);
  if (!open) return <Skeleton rows={5} />;
  return (
    <WorkContext value={{ workspace, me, ...open }}>
      <Shell />
      <Fresh store={open.store} />
      <Ended store={open.store} />
    </WorkContext>
  );
}

function Fresh({ store }: { store: Store }) {
  const notices = useNotices();
  useFresh(store);
  useWaitingNotices(store, notices === "on");
  return null;
}

/** When the access has ended, the caller is asked for again: that says why. */
function Ended({ store }: { store: Store }) {
  const link = useConnection(store);
  const client = useQueryClient();
  useEffect(() => {
    if (link.is === "ended") void client.invalidateQueries({ queryKey: ["me", store.workspace] });
  }, [link.is, client, store.workspace]);
  return null;
}

function Shell() {
  const { workspace } = useParams({ from: "/w/$workspace" });
  const { dialog } = useParams({ strict: false });
  const navigate = useNavigate();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  usePaletteKey(() => setPaletteOpen((isOpen) => !isOpen));
  const isGoing = useRef(0);

  const go = (view: string): void => {
    void navigate({ to: "/w/$workspace/inbox/$view", params: { workspace, view }, search: {} });
  };
  const after = (view: string) => (Date.now() - isGoing.current < 1500 ? () => go(view) : undefined);
  useKeys({
    KeyG: () => {
      isGoing.current = Date.now();
    },
    "Shift+Slash": () => setHelpOpen(true),
  });
  useGo(isGoing, after);

  return (
    <div className={css["shell"]} data-open={dialog === undefined ? undefined : true}>
      <a
        className={`${ui["button"]} ${css["skip"]}`}
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        {t("nav.skip")}
      </a>
      <Rail help={() => setHelpOpen(true)} palette={() => setPaletteOpen(true)} />
      <main className={css["main"]} id="main" tabIndex={-1}>
        <Outlet />
      </main>
      <Said />
      {isPaletteOpen && (
        <Suspense>
          <Palette close={() => setPaletteOpen(false)} help={() => setHelpOpen(true)} />
        </Suspense>
      )}
      {isHelpOpen && <KeysHelp close={() => setHelpOpen(false)} />}
    </div>
  );
}

/** Ctrl+K or Cmd+K, also while typing. */
function usePaletteKey(toggle: () => void): void {
  const current = useRef(toggle);
  useEffect(() => {
    current.current = toggle;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.code !== "KeyK" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      current.current();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

/** The second key of `G` and a view, before that key means anything else. */
function useGo(isGoing: React.RefObject<number>, after: (view: string) => (() => void) | undefined): void {
  const current = useRef(after);
  useEffect(() => {
    current.current = after;
  });
  useEffect(() => {
    const views: Record<string, string> = {
      KeyM: "mine",
      KeyW: "waiting",
      KeyA: "ai",
      KeyU: "unassigned",
      KeyS: "snoozed",
      KeyC: "closed",
    };
    const press = (event: KeyboardEvent): void => {
      const view = views[event.code];
      if (!view || isGoing.current === 0) return;
      const act = current.current(view);
      isGoing.current = 0;
      if (!act) return;
      event.preventDefault();
      event.stopPropagation();
      act();
    };
    document.addEventListener("keydown", press, { capture: true });
    return () => document.removeEventListener("keydown", press, { capture: true });
  }, [isGoing]);
}
