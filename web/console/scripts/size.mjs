// Says how much a browser loads for a route, and fails when it is more than we allow. Bytes of
// JavaScript, compressed with gzip.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const dist = process.argv[2] ?? "dist";
const manifest = JSON.parse(readFileSync(join(dist, ".vite/manifest.json"), "utf8"));

/** The files of these modules and of all that they import at once. */
function files(modules, found = new Set()) {
  for (const module of modules) {
    const chunk = manifest[module];
    if (!chunk) throw new Error(`${module} is not in the manifest`);
    if (found.has(chunk.file)) continue;
    found.add(chunk.file);
    files(chunk.imports ?? [], found);
  }
  return found;
}

const ENTRY = "index.html";
const ROUTES = [
  ["first load (sign-in)", [ENTRY, "src/session/SignInRoute.tsx"], 170_000],
  ["inbox", [ENTRY, "src/shell/Shell.tsx", "src/inbox/InboxPage.tsx", "src/dialog/DialogPage.tsx"], 230_000],
];

// Any other route adds at most this to the shell.
const SHELL = [ENTRY, "src/shell/Shell.tsx"];
const OTHER_MOST = 60_000;
const OTHERS = [
  "src/start/StartPage.tsx",
  "src/account/ProfilePage.tsx",
  "src/assistants/AssistantsPage.tsx",
  "src/assistants/SetupPage.tsx",
  "src/assistants/PlaygroundPage.tsx",
  "src/assistants/TestsPage.tsx",
  "src/assistants/VersionsPage.tsx",
  "src/knowledge/KnowledgePage.tsx",
  "src/knowledge/DocumentPage.tsx",
  "src/channels/ChannelsPage.tsx",
  "src/settings/WorkspaceTab.tsx",
  "src/settings/MembersTab.tsx",
  "src/settings/CannedTab.tsx",
  "src/settings/KeysTab.tsx",
  "src/settings/Audit.tsx",
  "src/billing/BillingTab.tsx",
  "src/billing/UsageTab.tsx",
  "src/admin/UsersTab.tsx",
  "src/admin/WorkspacesTab.tsx",
  "src/admin/AdminSettingsTab.tsx",
  "src/admin/PricesTab.tsx",
];

let isTooLarge = false;

/** How large these files are for who loads them. */
function weight(scripts) {
  return scripts.reduce((sum, file) => sum + gzipSync(readFileSync(join(dist, file)), { level: 9 }).length, 0);
}

for (const [name, modules, most] of ROUTES) {
  const scripts = [...files(modules)];
  const size = weight(scripts);
  console.log(`${name}: ${size} bytes of at most ${most}, ${scripts.length} files`);
  if (size > most) isTooLarge = true;
}
const shell = files(SHELL);
for (const module of OTHERS) {
  const size = weight([...files([module])].filter((file) => !shell.has(file)));
  console.log(`${module}: ${size} bytes of at most ${OTHER_MOST} besides the shell`);
  if (size > OTHER_MOST) isTooLarge = true;
}
if (isTooLarge) process.exit(1);
