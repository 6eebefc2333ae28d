import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "../api/client";
import { assistantsQuery } from "../data/queries";
import { t } from "../i18n";
import { useWork } from "../shell/context";
import { Confirm } from "../ui/page";
import { say } from "../ui/said";
import { Button, ui } from "../ui/ui";

export function DeleteAssistant({ id, name }: { id: string; name: string }) {
  const { workspace } = useWork();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
  return (
    <div className={ui["buttons"]}>
      <Button look="quiet" onPress={() => setOpen(true)}>
        {t("assistant.delete")}
      </Button>
      {isOpen && (
        <Confirm
          title={t("assistant.delete")}
          action={t("assistant.delete")}
          typed={name}
          act={async () => {
            await api.DELETE("/api/v1/assistants/{id}", { params: { path: { id } } });
            say(t("assistant.deleted", { name }));
            await client.invalidateQueries({ queryKey: assistantsQuery(workspace).queryKey });
            await navigate({ to: "/w/$workspace/assistants", params: { workspace } });
          }}
          close={() => setOpen(false)}
        >
          <p>{t("assistant.delete.hint")}</p>
        </Confirm>
      )}
    </div>
  );
}
