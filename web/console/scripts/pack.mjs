// Packs the built files into one: the format is described in crates/web/src/lib.rs.
//
//   node scripts/pack.mjs DIST BUNDLE   writes it
//   node scripts/pack.mjs --check DIST BUNDLE   says whether it is what is there
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const KINDS = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

const isCheck = process.argv[2] === "--check";
const [dist, bundle] = process.argv.slice(isCheck ? 3 : 2);

const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(dist, join(entry.parentPath, entry.name)).split(sep).join("/"))
  // What only tools read.
  .filter((path) => !path.startsWith("."))
  .sort();

const lines = ["replyx-bundle 1"];
const contents = [];
for (const path of files) {
  const kind = KINDS[extname(path)];
  if (!kind) throw new Error(`${path}: no media type is known for it`);
  const plain = readFileSync(join(dist, path));
  const packed = brotliCompressSync(plain, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length },
  });
  const isSmaller = packed.length < plain.length;
  const stored = isSmaller ? packed : plain;
  lines.push([path, kind.replaceAll(" ", "+"), plain.length, stored.length, isSmaller ? "br" : "plain"].join(" "));
  contents.push(stored);
}
const packed = Buffer.concat([Buffer.from(`${lines.join("\n")}\n\n`), ...contents]);

if (!isCheck) {
  writeFileSync(bundle, packed);
  console.log(`${bundle}: ${files.length} files, ${packed.length} bytes`);
} else if (!packed.equals(readFileSync(bundle))) {
  console.error(`${bundle} is not what the sources give: \`make web-bundle\` renews it`);
  process.exit(1);
}
