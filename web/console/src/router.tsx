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
import { loadRest, t } from "./i18n";
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

/** A screen whose texts are not those of the inbox: they are loaded with it. */
function screen<T extends Record<string, unknown>, K extends keyof T & string>(load: () => Promise<T>, name: K) {
  return lazyRouteComponent(async () => {
    const [module] = await Promise.all([load(), loadRest()]);
    return module;
  }, name);
}

const accountPages = () => import("./account/pages");

const signUp = createRoute({
  getParentRoute: () => root,
  path: "/sign-up",
  component: screen(accountPages, "SignUpPage"),
});

const confirm = createRoute({
  getParentRoute: () => root,
  path: "/confirm",
  validateSearch: v.object({ email: v.fallback(v.string(), "") }),
  component: screen(accountPages, "ConfirmPage"),
});

const forgot = createRoute({
  getParentRoute: () => root,
  path: "/forgot",
  component: screen(accountPages, "ForgotPage"),
});

const reset = createRoute({
  getParentRoute: () => root,
  path: "/reset",
  component: screen(accountPages, "ResetPage"),
});

const invite = createRoute({
  getParentRoute: () => root,
  path: "/invite",
  component: screen(accountPages, "InvitePage"),
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
  component: screen(() => import("./account/NoWorkspace"), "NoWorkspace"),
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
  component: screen(() => import("./start/StartPage"), "StartPage"),
});

const assistants = createRoute({
  getParentRoute: () => workspace,
  path: "/assistants",
  component: screen(() => import("./assistants/AssistantsPage"), "AssistantsPage"),
});

const assistant = createRoute({
  getParentRoute: () => workspace,
  path: "/assistants/$assistant",
  component: screen(() => import("./assistants/AssistantPage"), "AssistantPage"),
});

const setup = createRoute({
  getParentRoute: () => assistant,
  path: "/",
  component: screen(() => import("./assistants/SetupPage"), "SetupPage"),
});

const playground = createRoute({
  getParentRoute: () => assistant,
  path: "/playground",
  component: screen(() => import("./assistants/PlaygroundPage"), "PlaygroundPage"),
});

const tests = createRoute({
  getParentRoute: () => assistant,
  path: "/tests",
  component: screen(() => import("./assistants/TestsPage"), "TestsPage"),
});

const versions = createRoute({
  getParentRoute: () => assistant,
  path: "/versions",
  component: screen(() => import("./assistants/VersionsPage"), "VersionsPage"),
});

const knowledge = createRoute({
  getParentRoute: () => workspace,
  path: "/knowledge",
  validateSearch: v.object({
    assistant: v.optional(v.fallback(v.optional(v.string()), undefined)),
    tab: v.optional(v.fallback(v.optional(v.picklist(["documents", "sources", "answers"])), undefined)),
    tag: v.optional(v.fallback(v.optional(v.string()), undefined)),
  }),
  component: screen(() => import("./knowledge/KnowledgePage"), "KnowledgePage"),
});

const place = v.optional(v.fallback(v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))), undefined));

const document = createRoute({
  getParentRoute: () => workspace,
  path: "/knowledge/documents/$document",
  validateSearch: v.object({ start: place, end: place }),
  component: screen(() => import("./knowledge/DocumentPage"), "DocumentPage"),
});

const channels = createRoute({
  getParentRoute: () => workspace,
  path: "/channels",
  component: screen(() => import("./channels/ChannelsPage"), "ChannelsPage"),
});

const settings = createRoute({
  getParentRoute: () => workspace,
  path: "/settings",
  component: screen(() => import("./settings/SettingsPage"), "SettingsPage"),
});

const settingsPages = [
  createRoute({
    getParentRoute: () => settings,
    path: "/",
    component: screen(() => import("./settings/WorkspaceTab"), "WorkspaceTab"),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: "/members",
    component: screen(() => import("./settings/MembersTab"), "MembersTab"),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: "/canned",
    component: screen(() => import("./settings/CannedTab"), "CannedTab"),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: "/keys",
    component: screen(() => import("./settings/KeysTab"), "KeysTab"),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: "/billing",
    component: screen(() => import("./billing/BillingTab"), "BillingTab"),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: "/usage",
    component: screen(() => import("./billing/UsageTab"), "UsageTab"),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: "/audit",
    component: screen(() => import("./settings/Audit"), "AuditTab"),
  }),
] as const;

const admin = createRoute({
  getParentRoute: () => workspace,
  path: "/admin",
  component: screen(() => import("./admin/AdminPage"), "AdminPage"),
});

const adminPages = [
  createRoute({
    getParentRoute: () => admin,
    path: "/",
    component: screen(() => import("./admin/UsersTab"), "UsersTab"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "/workspaces",
    component: screen(() => import("./admin/WorkspacesTab"), "WorkspacesTab"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "/settings",
    component: screen(() => import("./admin/AdminSettingsTab"), "AdminSettingsTab"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "/prices",
    component: screen(() => import("./admin/PricesTab"), "PricesTab"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "/audit",
    component: screen(() => import("./admin/AuditTab"), "PlatformAuditTab"),
  }),
] as const;

const me = createRoute({
  getParentRoute: () => workspace,
  path: "/me",
  component: screen(() => import("./account/ProfilePage"), "ProfilePage"),
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
        channels,
        settings.addChildren(settingsPages),
        admin.addChildren(adminPages),
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
