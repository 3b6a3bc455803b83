// Reads an AsyncAPI document from standard input; prints what the parser says of it, as JSON.
import { readFileSync } from "node:fs";

import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(0, "utf8"));
const told = diagnostics.map(({ code, message, path, severity }) => ({ code, message, path: path.join("."), severity }));
process.stdout.write(
  JSON.stringify({ accepted: document !== undefined, channels: document?.allChannels().length ?? 0, diagnostics: told }),
);
