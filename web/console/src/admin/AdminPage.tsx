import { Link, Outlet } from "@tanstack/react-router";
import { t, type Key } from "../i18n";
import { useWork } from "../shell/context";
import { page as css, Page } from "../ui/page";
import { Empty } from "../ui/ui";

const TABS = [
  ["/w/$workspace/admin", "admin.users", true],
  ["/w/$workspace/admin/workspaces", "admin.workspaces", false],
  ["/w/$workspace/admin/settings", "admin.settings", false],
  ["/w/$workspace/admin/prices", "admin.prices", false],
  ["/w/$workspace/admin/audit", "settings.audit", false],
] as const satisfies readonly (readonly [string, Key, boolean])[];

/** The whole installation, for those who run it. */
export function AdminPage() {
  const { workspace, me } = useWork();
  if (!me.user.is_admin) return <Empty page title={t("error.forbidden")} />;
  return (
    <Page title={t("nav.admin")} lead={t("admin.lead")} isWide>
      <nav className={css["tabs"]} aria-label={t("nav.admin")}>
        {TABS.map(([to, text, isExact]) => (
          <Link key={to} className={css["tab"]} to={to} params={{ workspace }} activeOptions={{ exact: isExact }}>
            {t(text)}
          </Link>
        ))}
      </nav>
      <Outlet />
    </Page>
  );
}
