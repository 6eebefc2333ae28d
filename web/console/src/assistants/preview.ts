/** Asks an assistant as a customer would, and tells each step as it happens. */
import { failure, Failure, headers, renew } from "../api/client";
import type { components } from "../api/schema";
import { Frames } from "../live/frames";

export type Preview = components["schemas"]["Preview"];
export type Asked = components["schemas"]["PreviewAssistant"];

export interface PreviewSteps {
  retrieved(): void;
  /** The text so far. */
  text(text: string): void;
}

export async function preview(assistant: string, asked: Asked, steps: PreviewSteps, signal: AbortSignal): Promise<Preview> {
  const first = await send(assistant, asked, signal);
  if (first.status !== 401 || !(await renew())) return read(first, steps);
  return read(await send(assistant, asked, signal), steps);
}

async function send(assistant: string, asked: Asked, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(`/api/v1/assistants/${assistant}/preview`, {
      method: "POST",
      headers: { ...headers("POST"), "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify(asked),
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Failure(0, "offline", null, null, null);
  }
}

async function read(answer: Response, steps: PreviewSteps): Promise<Preview> {
  if (!answer.ok || !answer.body) throw await failure(answer);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  const frames = new Frames();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Failure(0, "offline", null, null, null);
    for (const frame of frames.push(value)) {
      if (frame.event === "retrieved") steps.retrieved();
      else if (frame.event === "restarted") steps.text((text = ""));
      else if (frame.event === "delta") steps.text((text += (JSON.parse(frame.data) as { text: string }).text));
      else if (frame.event === "done") return JSON.parse(frame.data) as Preview;
      else if (frame.event === "failed") throw failed(frame.data, answer.headers.get("x-request-id"));
    }
  }
}

function failed(data: string, request: string | null): Failure {
  const problem = JSON.parse(data) as Failure["problem"];
  return new Failure(problem?.status ?? 500, problem?.code ?? "internal", problem, request, null);
}
