import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useBlocker, useParams } from "@tanstack/react-router";
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import { api, Failure } from "../api/client";
import { LANGUAGE_NAMES, t, type Key } from "../i18n";
import { may } from "../session/session";
import { useWork } from "../shell/context";
import { Overlay } from "../shell/Overlay";
import { Loaded, page as css, Section } from "../ui/page";
import { say } from "../ui/said";
import { Button, explain, ui } from "../ui/ui";
import own from "./Assistants.module.css";
import { assistantQuery, modelsQuery, setsQuery, versionsQuery } from "./data";
import { DeleteAssistant } from "./DeleteAssistant";
import { Differences } from "./Differences";
import { Publish } from "./Publish";
import { changed, DAYS, intervals, merge, settingsOf, written, type Draft, type Settings, type Shown } from "./settings";

type Gate = Draft["gate"];

interface Values {
  readonly settings: Settings;
  readonly gate: Gate;
}

/** The settings of an assistant: a draft that is saved, compared with what customers get, and published. */
export function SetupPage() {
  const { workspace } = useWork();
  const { assistant: id } = useParams({ from: "/w/$workspace/assistants/$assistant" });
  const query = useQuery(assistantQuery(workspace, id));
  return <Loaded query={query}>{({ draft, tag }) => <Setup key={id} draft={draft} tag={tag} />}</Loaded>;
}

function Setup({ draft, tag }: { draft: Draft; tag: string }) {
  const { workspace, me } = useWork();
  const client = useQueryClient();
  const mayWrite = may(me.permissions, "assistants:write");
  const [base, setBase] = useState({ values: valuesOf(draft), tag });
  const [values, setValues] = useState(base.values);
  const [conflicts, setConflicts] = useState<readonly Shown[]>([]);
  const [failure, setFailure] = useState<unknown>(null);
  const [isSaving, setSaving] = useState(false);
  const [isAsked, setAsked] = useState(false);
  const [isPublishing, setPublishing] = useState(false);
  const { data: versions } = useQuery(versionsQuery(workspace, draft.id));
  const published = versions?.find((version) => version.published)?.settings;
  const isDirty = written(values) !== written(base.values);
  const differs = published === undefined ? [] : changed(published, base.values.settings);

  // What colleagues save comes in below what is being typed here.
  useEffect(() => {
    if (tag === base.tag) return;
    const theirs = valuesOf(draft);
    const merged = merge(base.values.settings, values.settings, theirs.settings);
    const isGateMine = written(values.gate) !== written(base.values.gate);
    setValues({ settings: merged.settings, gate: isGateMine ? values.gate : theirs.gate });
    setConflicts(merged.conflicts);
    setBase({ values: theirs, tag });
    // Only a new state of the server does this.
    // eslint-disable-next-line
  }, [draft, tag]);

  useBlocker({ shouldBlockFn: () => isDirty && !confirm(t("setup.leave")), enableBeforeUnload: () => isDirty });

  const put = <F extends Shown>(field: F, value: Settings[F]): void => {
    setValues((values) => ({ ...values, settings: { ...values.settings, [field]: value } }));
  };
  const save = async (): Promise<boolean> => {
    if (!mayWrite || isSaving) return false;
    setSaving(true);
    setFailure(null);
    try {
      const fields = changed(base.values.settings, values.settings);
      const parts = Object.fromEntries(fields.map((field) => [field, values.settings[field]]));
      const isGateChanged = written(values.gate) !== written(base.values.gate);
      const answer = await api.PATCH("/api/v1/assistants/{id}", {
        params: { path: { id: draft.id }, header: { "If-Match": base.tag } },
        body: { ...parts, ...(isGateChanged ? { gate: values.gate } : {}) },
      });
      if (answer.data) {
        const saved = valuesOf(answer.data);
        setBase({ values: saved, tag: answer.response.headers.get("etag") ?? "" });
        // What was typed while this was on its way stays.
        setValues((now) => ({
          settings: merge(values.settings, now.settings, saved.settings).settings,
          gate: written(now.gate) === written(values.gate) ? saved.gate : now.gate,
        }));
        setConflicts([]);
        say(t("setup.saved"));
      }
      for (const family of ["assistant", "assistants"]) void client.invalidateQueries({ queryKey: [family, workspace] });
      return true;
    } catch (error) {
      setFailure(error);
      // Somebody was quicker: their state is read, and ours is put on top of it.
      if (error instanceof Failure && error.status === 412) {
        void client.invalidateQueries({ queryKey: ["assistant", workspace, draft.id] });
      }
      return false;
    } finally {
      setSaving(false);
    }
  };
  // A key that is pressed while a save is on its way saves once more after it.
  useEffect(() => {
    if (!isAsked || isSaving) return;
    setAsked(false);
    if (isDirty) void save();
  });
  useSaveKey(() => setAsked(true));

  const wrong = failure instanceof Failure ? (failure.problem?.errors ?? []) : [];
  const at: Around = { values, put, isReadOnly: !mayWrite, wrong };
  return (
    <div className={own["setup"]}>
      <div className={css["stack"]}>
        <SetupForm at={at} setGate={(gate) => setValues((values) => ({ ...values, gate }))} assistant={draft.id} />
        {mayWrite && <DeleteAssistant id={draft.id} name={base.values.settings.name} />}
      </div>
      <aside className={own["side"]} aria-label={t("setup.state")}>
        <div className={css["card"]}>
          {failure !== null && (
            <p className={ui["notice"]} data-tone="bad" role="alert">
              {explain(failure)} {wrong.map((one) => `${one.field}: ${one.message}`).join("; ")}
            </p>
          )}
          {conflicts.length > 0 && (
            <p className={ui["notice"]} role="alert">
              {t("setup.conflicts", { what: conflicts.map((field) => t(`field.${field}`)).join(", ") })}
            </p>
          )}
          {mayWrite && (
            <Button look={isDirty ? "primary" : "plain"} isDisabled={!isDirty || isSaving} onPress={() => void save()}>
              {isDirty ? t("setup.save") : t("form.saved")}
            </Button>
          )}
          <h2 className={css["rowTitle"]}>{t("setup.diff")}</h2>
          {published && <Differences before={published} after={values.settings} />}
          {mayWrite && (
            <Button
              look={!isDirty && differs.length > 0 ? "primary" : "plain"}
              isDisabled={isSaving || (!isDirty && differs.length === 0)}
              onPress={() => void (async () => (!isDirty || (await save())) && setPublishing(true))()}
            >
              {isDirty ? t("setup.saveAndPublish") : t("publish.button")}
            </Button>
          )}
        </div>
      </aside>
      {isPublishing && published && (
        <Overlay label={t("publish.title")} isWide close={() => setPublishing(false)}>
          <Publish
            assistant={draft.id}
            gate={base.values.gate}
            number={draft.published}
            published={published}
            next={base.values.settings}
            close={() => setPublishing(false)}
          />
        </Overlay>
      )}
    </div>
  );
}

function valuesOf(draft: Draft): Values {
  return { settings: settingsOf(draft), gate: draft.gate };
}

/** Ctrl+S or Cmd+S saves. */
function useSaveKey(save: () => void): void {
  const current = useRef(save);
  useEffect(() => {
    current.current = save;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.code !== "KeyS" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      current.current();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

interface Around {
  readonly values: Values;
  readonly put: <F extends Shown>(field: F, value: Settings[F]) => void;
  readonly isReadOnly: boolean;
  readonly wrong: readonly { field: string; message: string }[];
}

/** A field of the settings: its label, the words below it, and what the server said against it. */
function Row({ at, field, hint, children }: { at: Around; field: Shown; hint?: Key; children: (props: { id: string; disabled: boolean; "aria-describedby"?: string }) => ReactNode }) {
  const id = useId();
  const message = at.wrong.find((one) => one.field === field || one.field.startsWith(`${field}.`))?.message;
  return (
    <div className={ui["field"]}>
      <label htmlFor={id}>{t(`field.${field}`)}</label>
      {children({ id, disabled: at.isReadOnly, ...(hint ? { "aria-describedby": `${id}-hint` } : {}) })}
      {hint && (
        <p id={`${id}-hint`} className={ui["hint"]}>
          {t(hint)}
        </p>
      )}
      {message && <p className={ui["wrong"]}>{message}</p>}
    </div>
  );
}

type TextField = "name" | "system_prompt" | "greeting" | "unknown_text" | "fallback_text" | "handoff_text" | "time_zone";

function Line({ at, field, hint, most }: { at: Around; field: TextField; hint?: Key; most: number }) {
  return (
    <Row at={at} field={field} {...(hint ? { hint } : {})}>
      {(props) => (
        <input
          {...props}
          className={ui["input"]}
          dir="auto"
          maxLength={most}
          value={at.values.settings[field]}
          onChange={(event) => at.put(field, event.target.value)}
        />
      )}
    </Row>
  );
}

function Text({ at, field, hint, rows = 3, most = 4000 }: { at: Around; field: TextField; hint?: Key; rows?: number; most?: number }) {
  return (
    <Row at={at} field={field} {...(hint ? { hint } : {})}>
      {(props) => (
        <textarea
          {...props}
          className={`${ui["input"]} ${ui["area"]}`}
          dir="auto"
          rows={rows}
          maxLength={most}
          value={at.values.settings[field]}
          onChange={(event) => at.put(field, event.target.value)}
        />
      )}
    </Row>
  );
}

/** One thing a line. */
function Lines({ at, field, hint }: { at: Around; field: "fallback_models" | "tags"; hint: Key }) {
  return (
    <Row at={at} field={field} hint={hint}>
      {(props) => <ListArea {...props} value={at.values.settings[field]} change={(value) => at.put(field, value)} />}
    </Row>
  );
}

function ListArea({ value, change, ...props }: { id: string; disabled: boolean; value: readonly string[]; change: (value: string[]) => void }) {
  const [text, setText] = useState(value.join("\n"));
  const parsed = (text: string): string[] => text.split("\n").map((line) => line.trim()).filter(Boolean);
  // What comes from elsewhere replaces what is typed; what is typed may have empty lines.
  const shown = written(parsed(text)) === written(value) ? text : value.join("\n");
  return (
    <textarea
      {...props}
      className={`${ui["input"]} ${ui["area"]}`}
      dir="auto"
      rows={2}
      value={shown}
      onChange={(event) => {
        setText(event.target.value);
        change(parsed(event.target.value));
      }}
    />
  );
}

function NumberRow({ at, field, hint, most, step = 1 }: { at: Around; field: "temperature" | "late_answer_minutes" | "reopen_hours"; hint?: Key; most: number; step?: number }) {
  return (
    <Row at={at} field={field} {...(hint ? { hint } : {})}>
      {(props) => (
        <input
          {...props}
          className={ui["input"]}
          type="number"
          min={0}
          max={most}
          step={step}
          value={at.values.settings[field]}
          onChange={(event) => !Number.isNaN(event.target.valueAsNumber) && at.put(field, event.target.valueAsNumber)}
        />
      )}
    </Row>
  );
}

function Tick({ at, label, value, change }: { at: Around; label: Key; value: boolean; change: (value: boolean) => void }) {
  const id = useId();
  return (
    <div className={ui["check"]}>
      <input id={id} type="checkbox" disabled={at.isReadOnly} checked={value} onChange={(event) => change(event.target.checked)} />
      <label htmlFor={id}>{t(label)}</label>
    </div>
  );
}

function SetupForm({ at, setGate, assistant }: { at: Around; setGate: (gate: Gate) => void; assistant: string }) {
  const { workspace } = useWork();
  const { data: models } = useQuery(modelsQuery(workspace));
  const { data: sets } = useQuery(setsQuery(workspace, assistant));
  const { settings, gate } = at.values;
  const { handoff } = settings;
  const gateId = useId();
  const toleranceId = useId();
  const assignmentId = useId();
  const unknownId = useId();
  const topicsId = useId();
  return (
    <>
      <Section title={t("setup.who")}>
        <Line at={at} field="name" most={100} />
        <Row at={at} field="language" hint="field.language.hint">
          {(props) => (
            <select
              {...props}
              className={ui["input"]}
              value={settings.language}
              onChange={(event) => at.put("language", event.target.value as Settings["language"])}
            >
              {Object.entries(LANGUAGE_NAMES).map(([language, name]) => (
                <option key={language} value={language}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Row>
        <Text at={at} field="system_prompt" hint="field.system_prompt.hint" rows={8} most={20_000} />
        <Text at={at} field="greeting" hint="field.greeting.hint" />
      </Section>

      <Section title={t("setup.model")}>
        <Row at={at} field="model" hint="field.model.hint">
          {(props) => (
            <select
              {...props}
              className={ui["input"]}
              value={settings.model ?? ""}
              onChange={(event) => at.put("model", event.target.value === "" ? null : event.target.value)}
            >
              <option value="">{t("model.default")}</option>
              {[...new Set([...(models ?? []).map((model) => model.id), ...(settings.model === null ? [] : [settings.model])])].map(
                (model) => (
                  <option key={model} value={model}>
                    {model}
                  </option>
                ),
              )}
            </select>
          )}
        </Row>
        <Lines at={at} field="fallback_models" hint="field.fallback_models.hint" />
        <NumberRow at={at} field="temperature" hint="field.temperature.hint" most={2} step={0.1} />
      </Section>

      <Section title={t("setup.texts")}>
        <Text at={at} field="unknown_text" />
        <Text at={at} field="fallback_text" />
        <Text at={at} field="handoff_text" />
      </Section>

      <Section title={t("setup.check")}>
        <Tick at={at} label="field.check_answers" value={settings.check_answers} change={(value) => at.put("check_answers", value)} />
        <Row at={at} field="unverified">
          {(props) => (
            <select
              {...props}
              className={ui["input"]}
              value={settings.unverified}
              onChange={(event) => at.put("unverified", event.target.value as Settings["unverified"])}
            >
              <option value="unknown">{t("choice.unverified.unknown")}</option>
              <option value="handoff">{t("choice.unverified.handoff")}</option>
            </select>
          )}
        </Row>
        <Row at={at} field="unsure">
          {(props) => (
            <select
              {...props}
              className={ui["input"]}
              value={settings.unsure}
              onChange={(event) => at.put("unsure", event.target.value as Settings["unsure"])}
            >
              <option value="decline">{t("choice.unsure.decline")}</option>
              <option value="quote">{t("choice.unsure.quote")}</option>
            </select>
          )}
        </Row>
      </Section>

      <Section title={t("setup.handoff")}>
        <Tick
          at={at}
          label="handoff.on_request"
          value={handoff.on_request}
          change={(value) => at.put("handoff", { ...handoff, on_request: value })}
        />
        <div className={ui["field"]}>
          <label htmlFor={unknownId}>{t("handoff.on_unknown")}</label>
          <input
            id={unknownId}
            className={ui["input"]}
            type="number"
            min={0}
            max={20}
            disabled={at.isReadOnly}
            value={handoff.on_unknown}
            onChange={(event) =>
              !Number.isNaN(event.target.valueAsNumber) && at.put("handoff", { ...handoff, on_unknown: event.target.valueAsNumber })
            }
          />
        </div>
        <div className={ui["field"]}>
          <label htmlFor={assignmentId}>{t("handoff.assignment")}</label>
          <select
            id={assignmentId}
            className={ui["input"]}
            disabled={at.isReadOnly}
            value={handoff.assignment}
            onChange={(event) =>
              at.put("handoff", { ...handoff, assignment: event.target.value as Settings["handoff"]["assignment"] })
            }
          >
            {(["none", "round_robin", "least_busy"] as const).map((one) => (
              <option key={one} value={one}>
                {t(`assignment.${one}`)}
              </option>
            ))}
          </select>
        </div>
        <div className={ui["field"]}>
          <label htmlFor={topicsId}>{t("handoff.topics")}</label>
          <ListArea
            id={topicsId}
            disabled={at.isReadOnly}
            value={handoff.topics}
            change={(topics) => at.put("handoff", { ...handoff, topics })}
          />
          <p className={ui["hint"]}>{t("handoff.topics.hint")}</p>
        </div>
      </Section>

      <Section title={t("setup.time")}>
        <Line at={at} field="time_zone" hint="field.time_zone.hint" most={64} />
        <Hours at={at} />
        <NumberRow at={at} field="late_answer_minutes" hint="field.late_answer_minutes.hint" most={1440} />
        <NumberRow at={at} field="reopen_hours" hint="field.reopen_hours.hint" most={8760} />
      </Section>

      <Section title={t("setup.knowledge")}>
        <Lines at={at} field="tags" hint="field.tags.hint" />
      </Section>

      <Section title={t("setup.gate")} hint={t("setup.gate.hint")}>
        <div className={ui["field"]}>
          <label htmlFor={gateId}>{t("gate.set")}</label>
          <select
            id={gateId}
            className={ui["input"]}
            disabled={at.isReadOnly}
            value={gate?.question_set_id ?? ""}
            onChange={(event) =>
              setGate(event.target.value === "" ? null : { tolerance: gate?.tolerance ?? 0.02, question_set_id: event.target.value })
            }
          >
            <option value="">{t("gate.none")}</option>
            {(sets ?? []).map((set) => (
              <option key={set.id} value={set.id}>
                {set.name}
              </option>
            ))}
          </select>
        </div>
        {gate && (
          <div className={ui["field"]}>
            <label htmlFor={toleranceId}>{t("gate.tolerance")}</label>
            <input
              id={toleranceId}
              className={ui["input"]}
              type="number"
              min={0}
              max={1}
              step={0.01}
              disabled={at.isReadOnly}
              value={gate.tolerance}
              onChange={(event) => !Number.isNaN(event.target.valueAsNumber) && setGate({ ...gate, tolerance: event.target.valueAsNumber })}
            />
          </div>
        )}
      </Section>
    </>
  );
}

/** When people are there, by day of the week. Dates with hours of their own stay as they are. */
function Hours({ at }: { at: Around }) {
  const { hours } = at.values.settings;
  const id = useId();
  const week = (hours?.week ?? {}) as Record<string, string[]>;
  return (
    <div className={css["stack"]}>
      <Tick
        at={at}
        label="field.hours"
        value={hours !== null}
        change={(isOn) =>
          at.put("hours", isOn ? { dates: {}, week: Object.fromEntries(DAYS.slice(0, 5).map((day) => [day, ["09:00-18:00"]])) } : null)
        }
      />
      {hours !== null && (
        <div className={own["hours"]} role="group" aria-label={t("field.hours")}>
          {DAYS.map((day) => (
            <Day
              key={day}
              id={`${id}-${day}`}
              label={t(`day.${day}`)}
              isReadOnly={at.isReadOnly}
              value={week[day] ?? []}
              change={(value) => {
                const { [day]: _, ...rest } = week;
                at.put("hours", { ...hours, week: value.length === 0 ? rest : { ...rest, [day]: value } });
              }}
            />
          ))}
          <p className={ui["hint"]}>{t("hours.hint")}</p>
        </div>
      )}
    </div>
  );
}

function Day({ id, label, value, change, isReadOnly }: { id: string; label: string; value: readonly string[]; change: (value: string[]) => void; isReadOnly: boolean }) {
  const [text, setText] = useState(value.join(", "));
  const parsed = intervals(text);
  const shown = parsed === null || written(parsed) === written(value) ? text : value.join(", ");
  return (
    <>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className={ui["input"]}
        disabled={isReadOnly}
        placeholder={t("hours.closed")}
        aria-invalid={parsed === null || undefined}
        value={shown}
        onChange={(event) => {
          setText(event.target.value);
          const given = intervals(event.target.value);
          if (given !== null) change(given);
        }}
      />
    </>
  );
}
