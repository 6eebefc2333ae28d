import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useEffect, useId, useRef, useState } from "react";
import * as v from "valibot";
import { Failure } from "../api/client";
import { t } from "../i18n";
import { may } from "../session/session";
import { useWork } from "../shell/context";
import { Area, Form, needed } from "../ui/form";
import { page as css } from "../ui/page";
import { Button, Empty, explain, ui } from "../ui/ui";
import { AnswerView } from "./AnswerView";
import own from "./Assistants.module.css";
import { versionsQuery } from "./data";
import { KeepAnswer } from "./KeepAnswer";
import { preview, type Asked, type Preview } from "./preview";

/** What one version says to one question. */
interface Side {
  readonly version: string;
  readonly soFar: string;
  readonly answer: Preview | null;
  readonly failure: Failure | null;
}

interface Turn {
  readonly id: number;
  readonly question: string;
  readonly sides: readonly Side[];
}

/** As many earlier messages as the API takes. */
const HISTORY = 20;

/** Talks with the assistant as a customer would; two versions can answer side by side. */
export function PlaygroundPage() {
  const { workspace, me } = useWork();
  const { assistant: id } = useParams({ from: "/w/$workspace/assistants/$assistant" });
  const { data: versions } = useQuery(versionsQuery(workspace, id));
  const [version, setVersion] = useState("draft");
  const [other, setOther] = useState("");
  const [turns, setTurns] = useState<readonly Turn[]>([]);
  const [kept, setKept] = useState<{ question: string; answer: string } | null>(null);
  const stop = useRef(new AbortController());
  const end = useRef<HTMLDivElement>(null);
  const versionId = useId();
  const otherId = useId();

  useEffect(() => {
    stop.current = new AbortController();
    return () => stop.current.abort();
  }, [id]);
  useEffect(() => {
    end.current?.scrollIntoView({ block: "nearest" });
  }, [turns]);
  if (!may(me.permissions, "assistants:write")) return <Empty title={t("error.forbidden")} />;

  const options = [
    ["draft", t("version.draft")],
    ["published", t("version.published")],
    ...(versions ?? []).map((one) => [String(one.number), t("assistant.version", { n: one.number })] as const),
  ] as const;

  const ask = async (question: string): Promise<void> => {
    const number = turns.length;
    const wanted = other === "" || other === version ? [version] : [version, other];
    const change = (index: number, part: Partial<Side>): void => {
      setTurns((turns) =>
        turns.map((turn) =>
          turn.id === number
            ? { ...turn, sides: turn.sides.map((side, at) => (at === index ? { ...side, ...part } : side)) }
            : turn,
        ),
      );
    };
    const sides = wanted.map((version): Side => ({ version, soFar: "", answer: null, failure: null }));
    setTurns((turns) => [...turns, { id: number, question, sides }]);
    await Promise.all(
      wanted.map(async (version, index) => {
        const asked: Asked = { text: question, version, history: history(turns, index) };
        try {
          const steps = { retrieved: () => undefined, text: (soFar: string) => change(index, { soFar }) };
          change(index, { answer: await preview(id, asked, steps, stop.current.signal) });
        } catch (error) {
          if (stop.current.signal.aborted) return;
          change(index, { failure: error instanceof Failure ? error : new Failure(0, "offline", null, null, null) });
        }
      }),
    );
  };

  return (
    <div className={own["playground"]}>
      <div className={own["versions"]}>
        <label htmlFor={versionId}>{t("playground.version")}</label>
        <select id={versionId} className={ui["input"]} value={version} onChange={(event) => setVersion(event.target.value)}>
          {options.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
        <label htmlFor={otherId}>{t("playground.compare")}</label>
        <select id={otherId} className={ui["input"]} value={other} onChange={(event) => setOther(event.target.value)}>
          <option value="">{t("playground.alone")}</option>
          {options.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
        {turns.length > 0 && (
          <Button look="quiet" onPress={() => setTurns([])}>
            {t("playground.clear")}
          </Button>
        )}
      </div>
      <ol className={css["stack"]} aria-label={t("playground.dialog")}>
        {turns.map((turn) => (
          <li key={turn.id} className={css["stack"]}>
            <p className={own["asked"]} dir="auto">
              {turn.question}
            </p>
            <div className={own["sides"]} data-two={turn.sides.length > 1 || undefined}>
              {turn.sides.map((side, index) => (
                <div key={index} className={css["stack"]}>
                  {turn.sides.length > 1 && (
                    <p className={css["rowTitle"]}>{options.find(([value]) => value === side.version)?.[1]}</p>
                  )}
                  {side.failure ? (
                    <p className={ui["notice"]} data-tone="bad" role="alert">
                      {explain(side.failure)}
                    </p>
                  ) : side.answer ? (
                    <>
                      <AnswerView answer={side.answer} question={turn.question} />
                      <Button
                        look="quiet"
                        onPress={() => setKept({ question: turn.question, answer: side.answer?.text ?? "" })}
                      >
                        {t("playground.keep")}
                      </Button>
                    </>
                  ) : (
                    <div className={own["answer"]} dir="auto">
                      {side.soFar === "" ? t("dialog.thinking") : side.soFar}
                    </div>
                  )}
                </div>
              ))}
            </div>
          </li>
        ))}
      </ol>
      <div ref={end} className={own["askBar"]}>
        <Form schema={v.object({ text: needed })} submit={t("ask.submit")} clears send={async ({ text }) => ask(text)}>
          <Area
            name="text"
            label={t("ask.label")}
            placeholder={t("ask.placeholder")}
            maxLength={4000}
            rows={2}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
              event.preventDefault();
              event.currentTarget.form?.requestSubmit();
            }}
          />
        </Form>
      </div>
      {kept && <KeepAnswer id={id} kept={kept} close={() => setKept(null)} />}
    </div>
  );
}

/** What was said before, as one side has said it. */
function history(turns: readonly Turn[], index: number): NonNullable<Asked["history"]> {
  const said = turns.flatMap((turn) => {
    const answer = (turn.sides[index] ?? turn.sides[0])?.answer;
    if (!answer) return [];
    return [
      { author: "customer" as const, text: turn.question },
      { author: "assistant" as const, text: answer.text.slice(0, 4000) },
    ];
  });
  return said.slice(-HISTORY);
}
