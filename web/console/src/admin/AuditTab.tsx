import { Audit } from "../settings/Audit";

export function PlatformAuditTab() {
  return <Audit of="platform" />;
}
