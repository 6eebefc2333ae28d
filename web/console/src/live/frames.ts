/** Reads server-sent events out of text that comes in pieces. */
export interface Frame {
  readonly id: string | null;
  readonly event: string;
  readonly data: string;
}

export class Frames {
  #rest = "";

  /** The frames that this piece of text completes. Comments are left out. */
  push(text: string): Frame[] {
    this.#rest += text;
    const frames: Frame[] = [];
    for (;;) {
      const end = /\r?\n\r?\n/.exec(this.#rest);
      if (!end) return frames;
      const frame = parse(this.#rest.slice(0, end.index));
      this.#rest = this.#rest.slice(end.index + end[0].length);
      if (frame) frames.push(frame);
    }
  }
}

function parse(block: string): Frame | null {
  let id: string | null = null;
  let event = "message";
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") id = value;
    else if (field === "event") event = value;
    else if (field === "data") data.push(value);
  }
  return data.length === 0 ? null : { id, event, data: data.join("\n") };
}
