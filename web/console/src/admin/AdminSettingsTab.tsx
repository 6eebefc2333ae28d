import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as v from "valibot";
import { api, body } from "../api/client";
import type { components } from "../api/schema";
import { t } from "../i18n";
import { Field, Form, needed, Select } from "../ui/form";
import { Act, Loaded, page as css, Section, State } from "../ui/page";
import { say } from "../ui/said";
import { Button } from "../ui/ui";
import { Search } from "./Search";

type Setting = components["schemas"]["SettingView"];

/** What can be changed while the program runs. */
export function AdminSettingsTab() {
  const client = useQueryClient();
  const [words, setWords] = useState("");
  const [open, setOpen] = useState<string | null>(null);
  const query = useQuery({
    queryKey: ["admin-settings"],
    queryFn: async () => body(await api.GET("/api/v1/admin/settings")).items,
  });
  const renewed = async (): Promise<void> => client.invalidateQueries({ queryKey: ["admin-settings"] });
  const wanted = words.toLowerCase();
  return (
    <Section title={t("admin.settings")} hint={t("admin.settings.hint")}>
      <Search label={t("admin.settings.search")} change={setWords} />
      <Loaded query={query}>
        {(settings) => (
          <ul className={css["rows"]} aria-label={t("admin.settings")}>
            {settings
              .filter((one) => one.name.includes(wanted) || one.description.toLowerCase().includes(wanted))
              .map((one) => (
                <li key={one.name} className={css["row"]}>
                  <div className={css["rowMain"]}>
                    <code className={css["rowTitle"]}>{one.name}</code>
                    <span className={css["soft"]}>{one.description}</span>
                    {open === one.name ? (
                      <Editor setting={one} renewed={renewed} close={() => setOpen(null)} />
                    ) : (
                      <span className={css["facts"]}>
                        <code>{one.value}</code>
                        {one.overridden && <span>{t("admin.default", { what: one.default })}</span>}
                      </span>
                    )}
                  </div>
                  {one.overridden && <State tone="warn">{t("admin.overridden")}</State>}
                  {open !== one.name && (
                    <Button aria-label={`${t("answers.edit")}: ${one.name}`} onPress={() => setOpen(one.name)}>
                      {t("answers.edit")}
                    </Button>
                  )}
                  {one.overridden && (
                    <Act
                      look="quiet"
                      label={`${t("admin.reset")}: ${one.name}`}
                      act={async () => {
                        await api.DELETE("/api/v1/admin/settings/{name}", { params: { path: { name: one.name } } });
                        await renewed();
                      }}
                    >
                      {t("admin.reset")}
                    </Act>
                  )}
                </li>
              ))}
          </ul>
        )}
      </Loaded>
    </Section>
  );
}

function Editor({ setting, renewed, close }: { setting: Setting; renewed: () => Promise<void>; close: () => void }) {
  const isTruth = setting.kind === "bool" || setting.kind === "boolean";
  const choices = isTruth ? ["true", "false"] : setting.choices;
  return (
    <Form
      schema={v.object({ value: needed })}
      submit={t("form.save")}
      beside={<Button onPress={close}>{t("confirm.cancel")}</Button>}
      send={async ({ value }) => {
        await api.PUT("/api/v1/admin/settings/{name}", {
          params: { path: { name: setting.name } },
          body: { value: isTruth ? value === "true" : /^-?\d+$/.test(value) && setting.choices.length === 0 ? parseInt(value, 10) : value },
        });
        await renewed();
        say(t("form.saved"));
        close();
      }}
    >
      {choices.length > 0 ? (
        <Select name="value" label={setting.name} defaultValue={setting.value} options={choices.map((one) => [one, one])} />
      ) : (
        <Field name="value" label={setting.name} defaultValue={setting.value} autoFocus />
      )}
    </Form>
  );
}
