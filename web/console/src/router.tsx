import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
  type ErrorComponentProps,
} from "@tanstack/react-router";
import * as v from "valibot";
import { actIn, Failure } from "./api/client";
import { t } from "./i18n";
import { filters, isView } from "./inbox/views";
import { LAST_WORKSPACE, workspacesQuery } from "./session/session";
import { recall } from "./ui/memory";
import { Broken, Button, Empty, Skeleton } from "./ui/ui";

const root = createRootRouteWithContext<{ client: QueryClient }>()({
  component: Outlet,
  errorComponent: Crashed,
  notFoundComponent: () => <Empty page title={t("dialog.notFound")} />,
});

function Crashed({ error, reset }: ErrorComponentProps) {
  if (error instanceof Failure) return <Broken failure={error} retry={reset} />;
  return (
    <Empty page title={t("error.crash")}>
      <Button onPress={() => location.reload()}>{t("error.reload")}</Button>
    </Empty>
  );
}

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: v.object({ to: v.optional(v.string()) }),
  component: lazyRouteComponent(() => import("./session/SignInRoute"), "SignInRoute"),
});

const accountPages = () => import("./account/pages");

const signUp = createRoute({
  getParentRoute: () => root,
  path: "/sign-up",
  component: lazyRouteComponent(accountPages, "SignUpPage"),
});

const confirm = createRoute({
  getParentRoute: () => root,
  path: "/confirm",
  validateSearch: v.object({ email: v.fallback(v.string(), "") }),
  component: lazyRouteComponent(accountPages, "ConfirmPage"),
});

const forgot = createRoute({
  getParentRoute: () => root,
  path: "/forgot",
  component: lazyRouteComponent(accountPages, "ForgotPage"),
});

const reset = createRoute({
  getParentRoute: () => root,
  path: "/reset",
  component: lazyRouteComponent(accountPages, "ResetPage"),
});

const invite = createRoute({
  getParentRoute: () => root,
  path: "/invite",
  component: lazyRouteComponent(accountPages, "InvitePage"),
});

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: async ({ context }) => {
    actIn(null);
    const workspaces = await context.client.fetchQuery(workspacesQuery).catch((error: unknown) => {
      if (error instanceof Failure && error.status === 401) throw redirect({ to: "/sign-in" });
      throw error;
    });
    const usable = workspaces.filter((workspace) => !workspace.suspended);
    const last = recall(LAST_WORKSPACE);
    const chosen = usable.find((workspace) => workspace.id === last) ?? usable[0];
    if (!chosen) return;
    throw redirect({ to: "/w/$workspace/inbox/$view", params: { workspace: chosen.id, view: "waiting" }, search: {} });
  },
  pendingComponent: () => <Skeleton rows={5} />,
  component: lazyRouteComponent(() => import("./account/NoWorkspace"), "NoWorkspace"),
});

const workspace = createRoute({
  getParentRoute: () => root,
  path: "/w/$workspace",
  beforeLoad: async ({ context, location }) => {
    actIn(null);
    await context.client.ensureQueryData(workspacesQuery).catch((error: unknown) => {
      if (error instanceof Failure && error.status === 401) {
        throw redirect({ to: "/sign-in", search: { to: location.href } });
      }
    });
  },
  component: lazyRouteComponent(() => import("./shell/Shell"), "WorkspacePage"),
});

const entry = createRoute({
  getParentRoute: () => workspace,
  path: "/",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/w/$workspace/inbox/$view", params: { ...params, view: "waiting" }, search: {} });
  },
});

const start = createRoute({
  getParentRoute: () => workspace,
  path: "/start",
  component: lazyRouteComponent(() => import("./start/StartPage"), "StartPage"),
});

const assistants = createRoute({
  getParentRoute: () => workspace,
  path: "/assistants",
  component: lazyRouteComponent(() => import("./assistants/AssistantsPage"), "AssistantsPage"),
});

const assistant = createRoute({
  getParentRoute: () => workspace,
  path: "/assistants/$assistant",
  component: lazyRouteComponent(() => import("./assistants/AssistantPage"), "AssistantPage"),
});

const setup = createRoute({
  getParentRoute: () => assistant,
  path: "/",
  component: lazyRouteComponent(() => import("./assistants/SetupPage"), "SetupPage"),
});

const playground = createRoute({
  getParentRoute: () => assistant,
  path: "/playground",
  component: lazyRouteComponent(() => import("./assistants/PlaygroundPage"), "PlaygroundPage"),
});

const tests = createRoute({
  getParentRoute: () => assistant,
  path: "/tests",
  component: lazyRouteComponent(() => import("./assistants/TestsPage"), "TestsPage"),
});

const versions = createRoute({
  getParentRoute: () => assistant,
  path: "/versions",
  component: lazyRouteComponent(() => import("./assistants/VersionsPage"), "VersionsPage"),
});

const knowledge = createRoute({
  getParentRoute: () => workspace,
  path: "/knowledge",
  validateSearch: v.object({
    assistant: v.optional(v.fallback(v.optional(v.string()), undefined)),
    tab: v.optional(v.fallback(v.optional(v.picklist(["documents", "sources", "answers"])), undefined)),
    tag: v.optional(v.fallback(v.optional(v.string()), undefined)),
  }),
  component: lazyRouteComponent(() => import("./knowledge/KnowledgePage"), "KnowledgePage"),
});

const place = v.optional(v.fallback(v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))), undefined));

const document = createRoute({
  getParentRoute: () => workspace,
  path: "/knowledge/documents/$document",
  validateSearch: v.object({ start: place, end: place }),
  component: lazyRouteComponent(() => import("./knowledge/DocumentPage"), "DocumentPage"),
});

const me = createRoute({
  getParentRoute: () => workspace,
  path: "/me",
  component: lazyRouteComponent(() => import("./account/ProfilePage"), "ProfilePage"),
});

const inbox = createRoute({
  getParentRoute: () => workspace,
  path: "/inbox/$view",
  validateSearch: filters,
  beforeLoad: ({ params }) => {
    if (!isView(params.view)) {
      throw redirect({ to: "/w/$workspace/inbox/$view", params: { ...params, view: "waiting" }, search: {} });
    }
  },
  component: lazyRouteComponent(() => import("./inbox/InboxPage"), "InboxPage"),
});

const nothing = createRoute({
  getParentRoute: () => inbox,
  path: "/",
  component: () => (
    <Empty title={t("dialog.none")}>
      <p>{t("dialog.none.hint")}</p>
    </Empty>
  ),
});

const dialog = createRoute({
  getParentRoute: () => inbox,
  path: "/$dialog",
  component: lazyRouteComponent(() => import("./dialog/DialogPage"), "DialogPage"),
});

export function consoleRouter(client: QueryClient) {
  return createRouter({
    routeTree: root.addChildren([
      signIn,
      signUp,
      confirm,
      forgot,
      reset,
      invite,
      home,
      workspace.addChildren([
        entry,
        start,
        assistants,
        assistant.addChildren([setup, playground, tests, versions]),
        knowledge,
        document,
        me,
        inbox.addChildren([nothing, dialog]),
      ]),
    ]),
    basepath: "/app",
    context: { client },
    defaultPendingMs: 150,
    scrollRestoration: false,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof consoleRouter>;
  }
}
