import { useQueryClient } from "@tanstack/react-query";
import * as v from "valibot";
import { api } from "../api/client";
import { invitationsQuery } from "../data/queries";
import { LANGUAGE_NAMES, language, t, type Language } from "../i18n";
import { useWork } from "../shell/context";
import { email, Field, Form, Select } from "../ui/form";
import { say } from "../ui/said";
import { rolesBelow, type Role } from "./roles";

const invited = v.object({ email, role: v.picklist(["owner", "admin", "operator", "viewer"]), language: v.picklist(["en", "ru"]) });

/** Invites a colleague by mail. */
export function InviteForm({ beside, done }: { beside?: React.ReactNode; done?: () => void }) {
  const { workspace, me } = useWork();
  const client = useQueryClient();
  return (
    <Form
      schema={invited}
      submit={t("invite.send")}
      beside={beside}
      clears
      send={async (typed, key) => {
        await api.POST("/api/v1/invitations", {
          params: { header: { "Idempotency-Key": key } },
          body: { email: typed.email, role: typed.role as Role, language: typed.language as Language },
        });
        await client.invalidateQueries({ queryKey: invitationsQuery(workspace).queryKey });
        say(t("invite.sent", { what: typed.email }));
        done?.();
      }}
    >
      <Field name="email" label={t("signIn.email")} type="email" autoComplete="off" maxLength={254} />
      <Select
        name="role"
        label={t("role.label")}
        defaultValue="operator"
        options={rolesBelow(me.role).map((role) => [role, `${t(`role.${role}`)}: ${t(`role.${role}.hint`)}`])}
      />
      <Select name="language" label={t("invite.language")} defaultValue={language()} options={Object.entries(LANGUAGE_NAMES)} />
    </Form>
  );
}
