import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body } from "../api/client";
import type { components } from "../api/schema";
import { invitationsQuery, membersQuery, MOST } from "../data/queries";
import { t } from "../i18n";
import { may } from "../session/session";
import { useWork } from "../shell/context";
import { Overlay } from "../shell/Overlay";
import { Act, Confirm, Loaded, page as css, Section, State, When } from "../ui/page";
import { say } from "../ui/said";
import { Avatar, Button, explain, ui } from "../ui/ui";
import { InviteForm } from "./InviteForm";
import { ROLES, rolesBelow, type Role } from "./roles";

type Member = components["schemas"]["MemberView"];

/** Who works here, as what, and who is there right now. */
export function MembersTab() {
  const { workspace, me } = useWork();
  const client = useQueryClient();
  const mayWrite = may(me.permissions, "members:write");
  const [isInviting, setInviting] = useState(false);
  const members = useQuery(membersQuery(workspace));
  const invitations = useQuery(invitationsQuery(workspace));
  const { data: operators } = useQuery({
    queryKey: ["operators", workspace],
    queryFn: async () => body(await api.GET("/api/v1/operators", { params: { query: { limit: MOST } } })).items,
    refetchInterval: 60_000,
  });
  const renewed = async (): Promise<void> => {
    for (const family of ["members", "invitations"]) await client.invalidateQueries({ queryKey: [family, workspace] });
  };
  return (
    <>
      <Section
        title={t("settings.members")}
        actions={
          mayWrite && (
            <Button look="primary" onPress={() => setInviting(true)}>
              {t("members.invite")}
            </Button>
          )
        }
      >
        <Loaded query={members}>
          {(members) => (
            <ul className={css["rows"]} aria-label={t("settings.members")}>
              {members.map((member) => (
                <MemberRow
                  key={member.user_id}
                  member={member}
                  presence={operators?.find((one) => one.user_id === member.user_id)}
                  mayWrite={mayWrite}
                  renewed={renewed}
                />
              ))}
            </ul>
          )}
        </Loaded>
      </Section>
      {invitations.data && invitations.data.length > 0 && (
        <Section title={t("members.invited")}>
          <ul className={css["rows"]} aria-label={t("members.invited")}>
            {invitations.data.map((one) => {
              const isOver = new Date(one.expires_at).getTime() < Date.now();
              return (
                <li key={one.id} className={css["row"]}>
                  <div className={css["rowMain"]}>
                    <bdi className={css["rowTitle"]}>{one.email}</bdi>
                    <span className={css["facts"]}>
                      <span>{t(`role.${one.role}`)}</span>
                      <When at={one.created_at} />
                    </span>
                  </div>
                  <State tone={isOver ? "bad" : "warn"}>{isOver ? t("members.expired") : t("members.pending")}</State>
                  {mayWrite && (
                    <Act
                      label={`${t("members.revoke")}: ${one.email}`}
                      act={async () => {
                        await api.DELETE("/api/v1/invitations/{id}", { params: { path: { id: one.id } } });
                        await renewed();
                      }}
                    >
                      {t("members.revoke")}
                    </Act>
                  )}
                </li>
              );
            })}
          </ul>
        </Section>
      )}
      {isInviting && (
        <Overlay label={t("members.invite")} close={() => setInviting(false)}>
          <div className={css["stack"]}>
            <h2>{t("members.invite")}</h2>
            <InviteForm
              done={() => setInviting(false)}
              beside={<Button onPress={() => setInviting(false)}>{t("confirm.cancel")}</Button>}
            />
          </div>
        </Overlay>
      )}
    </>
  );
}

interface RowProps {
  member: Member;
  presence: components["schemas"]["OperatorPresence"] | undefined;
  mayWrite: boolean;
  renewed: () => Promise<void>;
}

function MemberRow({ member, presence, mayWrite, renewed }: RowProps) {
  const { me } = useWork();
  const [failure, setFailure] = useState<unknown>(null);
  const [isRemoving, setRemoving] = useState(false);
  const name = member.name ?? member.email;
  const isSelf = member.user_id === me.user.id;
  const path = { params: { path: { id: member.user_id } } };
  const below = rolesBelow(me.role);
  const mayChange = mayWrite && !isSelf && below.includes(member.role);
  const change = async (part: { role?: Role; suspended?: boolean }): Promise<void> => {
    setFailure(null);
    try {
      await api.PATCH("/api/v1/members/{id}", { ...path, body: part });
      say(t("form.saved"));
    } catch (error) {
      setFailure(error);
    }
    await renewed();
  };
  return (
    <li className={css["row"]}>
      <Avatar name={name} />
      <div className={css["rowMain"]}>
        <span className={css["rowTitle"]}>
          <bdi>{name}</bdi> {isSelf && <span className={css["soft"]}>{t("members.you")}</span>}
        </span>
        <span className={css["facts"]}>
          <bdi>{member.email}</bdi>
          {presence && <span>{t("members.open", { n: presence.open })}</span>}
        </span>
        {failure !== null && (
          <span role="alert" className={ui["wrong"]}>
            {explain(failure)}
          </span>
        )}
      </div>
      {member.suspended ? (
        <State tone="bad">{t("members.suspended")}</State>
      ) : (
        presence && (
          <State tone={presence.state === "online" ? "good" : presence.state === "away" ? "warn" : "soft"}>
            {t(`presence.${presence.state}`)}
          </State>
        )
      )}
      {mayChange ? (
        <>
          <select
            className={ui["input"]}
            data-short
            aria-label={`${t("role.label")}: ${name}`}
            value={member.role}
            onChange={(event) => void change({ role: event.target.value as Role })}
          >
            {ROLES.filter((role) => below.includes(role)).map((role) => (
              <option key={role} value={role}>
                {t(`role.${role}`)}
              </option>
            ))}
          </select>
          <Button look="quiet" onPress={() => void change({ suspended: !member.suspended })}>
            {member.suspended ? t("members.reactivate") : t("members.suspend")}
          </Button>
          <Button look="quiet" aria-label={`${t("members.remove")}: ${name}`} onPress={() => setRemoving(true)}>
            {t("members.remove")}
          </Button>
        </>
      ) : (
        <span className={css["soft"]}>{t(`role.${member.role}`)}</span>
      )}
      {isRemoving && (
        <Confirm
          title={t("members.remove")}
          action={t("members.remove")}
          act={async () => {
            await api.DELETE("/api/v1/members/{id}", path);
            await renewed();
          }}
          close={() => setRemoving(false)}
        >
          <p>{t("members.remove.hint", { name })}</p>
        </Confirm>
      )}
    </li>
  );
}
