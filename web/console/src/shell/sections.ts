/** The screens around the inbox, and who may open them. */
import { BookOpen, Bot, Settings, Shield, Waypoints, type LucideIcon } from "lucide-react";
import type { Me, Permission } from "../api/types";
import type { Key } from "../i18n";
import { may } from "../session/session";

interface Section {
  readonly to:
    | "/w/$workspace/assistants"
    | "/w/$workspace/knowledge"
    | "/w/$workspace/channels"
    | "/w/$workspace/settings"
    | "/w/$workspace/admin";
  readonly text: Key;
  readonly icon: LucideIcon;
  readonly mayOpen: (me: Me) => boolean;
}

const needs = (permission: Permission) => (me: Me) => may(me.permissions, permission);

export const SECTIONS: readonly Section[] = [
  { to: "/w/$workspace/assistants", text: "nav.assistants", icon: Bot, mayOpen: needs("assistants:read") },
  { to: "/w/$workspace/knowledge", text: "nav.knowledge", icon: BookOpen, mayOpen: needs("documents:read") },
  { to: "/w/$workspace/channels", text: "nav.channels", icon: Waypoints, mayOpen: needs("bots:read") },
  { to: "/w/$workspace/settings", text: "nav.settings", icon: Settings, mayOpen: needs("workspace:read") },
  { to: "/w/$workspace/admin", text: "nav.admin", icon: Shield, mayOpen: (me) => me.user.is_admin },
];
