import { Link, Outlet } from "@tanstack/react-router";
import { t, type Key } from "../i18n";
import type { Permission } from "../api/types";
import { may } from "../session/session";
import { useWork } from "../shell/context";
import { page as css, Page } from "../ui/page";

const TABS = [
  ["/w/$workspace/settings", "settings.workspace", "workspace:read", true],
  ["/w/$workspace/settings/members", "settings.members", "members:read", false],
  ["/w/$workspace/settings/canned", "settings.canned", "dialogs:read", false],
  ["/w/$workspace/settings/keys", "settings.keys", "keys:write", false],
  ["/w/$workspace/settings/billing", "settings.billing", "billing:read", false],
  ["/w/$workspace/settings/usage", "settings.usage", "assistants:read", false],
  ["/w/$workspace/settings/audit", "settings.audit", "audit:read", false],
] as const satisfies readonly (readonly [string, Key, Permission, boolean])[];

/** What belongs to the workspace as a whole; each sees what they may. */
export function SettingsPage() {
  const { workspace, me } = useWork();
  return (
    <Page title={t("nav.settings")} isWide>
      <nav className={css["tabs"]} aria-label={t("nav.settings")}>
        {TABS.filter(([, , needs]) => may(me.permissions, needs)).map(([to, text, , isExact]) => (
          <Link key={to} className={css["tab"]} to={to} params={{ workspace }} activeOptions={{ exact: isExact }}>
            {t(text)}
          </Link>
        ))}
      </nav>
      <Outlet />
    </Page>
  );
}
