import { readFileSync } from "node:fs";
import { join } from "node:path";
import optimizeLocales from "@react-aria/optimize-locales-plugin";
import { compileMessageOrThrow } from "@lingui/message-utils/compileMessage";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { isBase } from "./src/i18n/base.ts";

const MESSAGES = "virtual:messages/";

/**
 * Compiles the messages of `src/i18n/*.json` while building, so that no parser is shipped: those of the first load and
 * the inbox (`en/base`), and those of all other screens (`en/rest`).
 */
function messages(): Plugin {
  return {
    name: "replyx-messages",
    resolveId: (id) => (id.startsWith(MESSAGES) ? `\0${id}` : null),
    load(id) {
      if (!id.startsWith(`\0${MESSAGES}`)) return null;
      const [language, part] = id.slice(MESSAGES.length + 1).split("/");
      const file = join(import.meta.dirname, "src/i18n", `${language}.json`);
      this.addWatchFile(file);
      const all = Object.entries(JSON.parse(readFileSync(file, "utf8")) as Record<string, string>);
      const texts = all.filter(([key]) => isBase(key) === (part === "base"));
      const compiled = texts.map(([key, text]) => [key, compileMessageOrThrow(text)]);
      return `export default ${JSON.stringify(Object.fromEntries(compiled))}`;
    },
  };
}

export default defineConfig({
  base: "/app/",
  plugins: [
    messages(),
    { ...optimizeLocales.vite({ locales: ["en-US", "ru-RU"] }), enforce: "pre" },
    react(),
  ],
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    cssMinify: true,
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
    manifest: true,
  },
  server: { proxy: { "/api": process.env["REPLYX"] ?? "http://127.0.0.1:8000" } },
  test: { environment: "node", include: ["tests/**/*.test.ts"] },
});
