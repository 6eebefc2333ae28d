/** Saves a file of the API, with the session of the page. */
import { Failure, failure, headers, renew } from "../api/client";

export async function download(path: string, name: string, accept?: string): Promise<void> {
  const given = await ask(path, accept);
  const answer = given.status === 401 && (await renew()) ? await ask(path, accept) : given;
  if (!answer.ok) throw await failure(answer);

  const address = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

async function ask(path: string, accept: string | undefined): Promise<Response> {
  try {
    return await fetch(path, { headers: { ...headers("GET"), ...(accept === undefined ? {} : { accept }) } });
  } catch {
    throw new Failure(0, "offline", null, null, null);
  }
}
