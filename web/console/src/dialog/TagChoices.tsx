import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Autocomplete, Input, Menu, MenuItem, SearchField } from "react-aria-components";
import { api, body } from "../api/client";
import { tagsQuery } from "../data/queries";
import { t } from "../i18n";
import { useWork } from "../shell/context";
import { explain, ui } from "../ui/ui";

const NEW = "new";
/** As many as a dialog may have. */
const MOST = 20;
const LONGEST = 50;

export interface Chosen {
  chosen: readonly string[];
  /** Puts these tags on in place of those before; in the order in which it is called. */
  set: (tags: readonly string[]) => Promise<void>;
}

/** All tags, to choose from by their first letters. */
export function TagChoices({ chosen, set }: Chosen) {
  const { workspace, store } = useWork();
  const client = useQueryClient();
  const { data, error } = useQuery(tagsQuery(workspace));
  const [words, setWords] = useState("");
  // What was wanted last: answers may be on their way.
  const [wanted, setWanted] = useState(chosen);
  const change = useMutation({
    mutationFn: async (tags: readonly string[]) => set(tags),
    scope: { id: `tags-${workspace}` },
    onError: () => setWanted(chosen),
  });
  const create = useMutation({
    mutationFn: async (name: string) => body(await api.POST("/api/v1/tags", { body: { name } })),
    onSuccess: async (tag) => {
      store.tagged([tag]);
      await client.invalidateQueries({ queryKey: ["tags", workspace] });
      setWords("");
      put([...wanted, tag.id]);
    },
  });
  const put = (tags: readonly string[]): void => {
    setWanted(tags);
    change.mutate(tags);
  };

  const name = words.trim();
  const same = (one: string): boolean => one.toLocaleLowerCase() === name.toLocaleLowerCase();
  const found = (data ?? []).filter((tag) => tag.name.toLocaleLowerCase().includes(name.toLocaleLowerCase()));
  const isNew = data !== undefined && name !== "" && name.length <= LONGEST && !data.some((tag) => same(tag.name));
  const isFull = wanted.length >= MOST;
  const failure = change.error ?? create.error ?? (data ? null : error);
  const items = [...found.map((tag) => ({ id: tag.id, name: tag.name })), ...(isNew ? [{ id: NEW, name }] : [])];
  return (
    <>
      <Autocomplete inputValue={words} onInputChange={setWords}>
        <SearchField aria-label={t("tags.find")} autoFocus>
          <Input className={ui["input"]!} placeholder={t("tags.find")} maxLength={LONGEST} />
        </SearchField>
        <Menu
          className={`${ui["menu"]} ${ui["choices"]}`}
          aria-label={t("tags.label")}
          items={items}
          dependencies={[wanted, isFull]}
          shouldCloseOnSelect={false}
          selectionMode="multiple"
          selectedKeys={wanted}
          disabledKeys={isFull ? items.map((item) => item.id).filter((id) => !wanted.includes(id)) : []}
          renderEmptyState={() => <p className={ui["hint"]}>{t(name === "" ? "tags.none" : "tags.notFound")}</p>}
          onSelectionChange={(keys) => {
            if (keys === "all") return;
            if (keys.has(NEW)) return create.mutate(name);
            put([...keys].map(String));
          }}
        >
          {(item) => (
            <MenuItem id={item.id} className={ui["item"]!} textValue={item.name}>
              <bdi>{item.id === NEW ? t("tags.create", { name: item.name }) : item.name}</bdi>
            </MenuItem>
          )}
        </Menu>
      </Autocomplete>
      {isFull && <p className={ui["hint"]}>{t("tags.full")}</p>}
      {failure && (
        <p className={ui["wrong"]} role="alert">
          {explain(failure)}
        </p>
      )}
    </>
  );
}
