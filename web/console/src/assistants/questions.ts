/** Questions of a set as they are typed: one a line, what the answer must hold after a bar. */
import type { components } from "../api/schema";

export type Question = components["schemas"]["EvaluationQuestionInput"];

export function parseQuestions(text: string): Question[] {
  return text
    .split("\n")
    .map((line) => line.split("|").map((part) => part.trim()))
    .filter(([question]) => question !== undefined && question !== "")
    .map(([question = "", ...answers]) => ({ question, answers: answers.filter(Boolean) }));
}

export function writeQuestions(questions: readonly Question[]): string {
  return questions
    .map(({ question, answers }) => [question.replaceAll(/\s*\n\s*/g, " "), ...(answers ?? [])].join(" | "))
    .join("\n");
}

/** What was typed, with what a line cannot say: which documents must be found. */
export function keepPlaces(typed: readonly Question[], before: readonly Question[]): Question[] {
  const known = new Map(before.map((one) => [one.question.replaceAll(/\s*\n\s*/g, " "), one]));
  return typed.map((one) => {
    const old = known.get(one.question);
    if (!old) return one;
    const { documents, document_names, passages } = old;
    return {
      ...one,
      question: old.question,
      ...(documents ? { documents } : {}),
      ...(document_names ? { document_names } : {}),
      ...(passages ? { passages } : {}),
    };
  });
}
