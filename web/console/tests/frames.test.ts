import fc from "fast-check";
import { expect, it } from "vitest";
import { Frames } from "../src/live/frames";

const TEXT = ': heartbeat\n\nid: 7\nevent: message.stored\ndata: {"a":1}\n\nevent: ping\ndata: {"type":"ping"}\n\nid: 8\r\ndata: one\r\ndata: two\r\n\r\n';

const WHOLE = [
  { id: "7", event: "message.stored", data: '{"a":1}' },
  { id: null, event: "ping", data: '{"type":"ping"}' },
  { id: "8", event: "message", data: "one\ntwo" },
];

it("reads the same frames however the text is cut", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: TEXT.length - 1 })), (cuts) => {
      const frames = new Frames();
      const ends = [...cuts.sort((a, b) => a - b), TEXT.length];
      const found = ends.flatMap((end, index) => frames.push(TEXT.slice(index === 0 ? 0 : ends[index - 1], end)));
      expect(found).toEqual(WHOLE);
    }),
  );
});
