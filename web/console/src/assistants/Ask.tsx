import { useEffect, useRef, useState } from "react";
import * as v from "valibot";
import { t } from "../i18n";
import { Area, Form, needed } from "../ui/form";
import { page as css } from "../ui/page";
import { AnswerView } from "./AnswerView";
import own from "./Assistants.module.css";
import { preview, type Preview } from "./preview";

const asked = v.object({ text: needed });

/** Puts one question to an assistant, and shows what it would say. */
export function Ask({ assistant, done }: { assistant: string; done?: (answer: Preview) => void }) {
  const [question, setQuestion] = useState("");
  const [soFar, setSoFar] = useState<string | null>(null);
  const [answer, setAnswer] = useState<Preview | null>(null);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);

  return (
    <div className={css["stack"]}>
      <Form
        schema={asked}
        submit={t("ask.submit")}
        send={async ({ text }) => {
          stop.current = new AbortController();
          setQuestion(text);
          setAnswer(null);
          setSoFar("");
          try {
            const given = await preview(assistant, { text }, { retrieved: () => undefined, text: setSoFar }, stop.current.signal);
            setAnswer(given);
            done?.(given);
          } finally {
            setSoFar(null);
          }
        }}
      >
        <Area name="text" label={t("ask.label")} placeholder={t("ask.placeholder")} maxLength={4000} />
      </Form>
      <div aria-live="polite" className={css["stack"]}>
        {soFar !== null && <div className={own["answer"]} dir="auto">{soFar === "" ? t("dialog.thinking") : soFar}</div>}
        {answer && <AnswerView answer={answer} question={question} />}
      </div>
    </div>
  );
}
