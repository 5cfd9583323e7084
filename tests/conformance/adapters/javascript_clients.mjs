// Adapters for public JavaScript clients, each driven through its own transport against a loopback server.
//
//     okxdoctor conform sign --adapter 'node tests/conformance/adapters/javascript_clients.mjs NAME FOLDER'
//
// NAME is okx-api or ccxt, FOLDER holds the node_modules that have it. A client is given the clock of the question and
// nothing else of it is changed. What it has no way to say (a repeated name in an object) is skipped.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [name, folder] = process.argv.slice(2);
const KEY = "7b0c5e1a-3f52-4d8e-9a61-0c4b7d2e9f13";
const say = process.stdout.write.bind(process.stdout);
for (const level of ["log", "info", "debug", "warn"]) console[level] = console.error;

class Skip extends Error {}

// ---- the wire: the target and body of a request as they arrive ----
let seen = [];
const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    seen.push({ target: request.url, headers: request.headers, body: Buffer.concat(chunks).toString("utf8") });
    response.setHeader("Content-Type", "application/json");
    response.end('{"code":"0","msg":"","data":[]}');
  });
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const url = `http://127.0.0.1:${server.address().port}`;

// ---- the clock: Date stands at the moment of the question ----
const RealDate = Date;
let moment = 0;
globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length ? given : [moment]));
  }
  static now() {
    return moment;
  }
};

function single(params) {
  const object = Object.create(Object.prototype);
  for (const [key, value] of params ?? []) {
    if (Object.hasOwn(object, key)) throw new Skip("an object holds no name twice");
    Object.defineProperty(object, key, { value: value ?? undefined, enumerable: true, configurable: true, writable: true });
    if (value === null) object[key] = null;
  }
  return object;
}

async function load(entry) {
  return import(pathToFileURL(resolve(folder, "node_modules", name, entry)).href);
}

const clients = {
  "okx-api": async () => {
    const { RestClient } = await load("dist/mjs/index.js");
    return async ({ secret, method, path, params, body }) => {
      if (method === "POST" && params?.length) throw new Skip("a POST takes no query");
      const client = new RestClient({ apiKey: KEY, apiSecret: secret, apiPass: "phrase", baseUrl: url });
      // The tag of the library's own program is added by postPrivate, which no user can switch off.
      await (method === "GET"
        ? client._call("GET", path, params ? single(params) : undefined, false)
        : client._call("POST", path, body ?? undefined, false));
    };
  },
  ccxt: async () => {
    const { default: ccxt } = await load("js/ccxt.js");
    const branded = ["/api/v5/trade/order", "/api/v5/trade/batch-orders", "/api/v5/trade/order-algo"];
    return async ({ secret, method, path, params, body }) => {
      if (method === "POST" && params?.length) throw new Skip("a POST takes no query");
      if (!path.startsWith("/api/v5/")) throw new Skip("another API");
      const orders = Array.isArray(body) ? body : [body];
      if (branded.includes(path) && !orders.every((order) => order?.clOrdId))
        throw new Skip("ccxt gives the order an id and a tag of its own");
      const exchange = new ccxt.okx({ apiKey: KEY, secret, password: "phrase", enableRateLimit: false });
      exchange.urls.api.rest = url;
      exchange.nonce = () => moment;
      await exchange.request(path.slice("/api/v5/".length), "private", method, method === "GET" ? single(params) : body ?? {});
    };
  },
};

const make = await clients[name]();
const { version } = JSON.parse(readFileSync(createRequire(resolve(folder, "x.js")).resolve.paths("x")[0] + `/${name}/package.json`));

async function sign(given) {
  given = { ...given, method: given.method.toUpperCase() };
  moment = RealDate.parse(given.timestamp);
  seen = [];
  await make(given);
  if (seen.length !== 1) throw new Error(`${seen.length} requests on the wire`);
  const [{ target, headers, body }] = seen;
  if (headers["ok-access-timestamp"] !== given.timestamp) throw new Skip("the clock could not be set");
  return { sign: headers["ok-access-sign"], request_path: target, body };
}

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.cmd === "stop") process.exit(0);
  if (message.cmd === "start") {
    say(JSON.stringify({ name, version, language: "javascript", supports: ["sign"] }) + "\n");
    continue;
  }
  const reply = { seq: message.seq };
  try {
    if (/[:[,]\s*-?\d{16,}/.test(line)) throw new Skip("a number that JavaScript does not hold");
    reply.output = await sign(message.input);
  } catch (error) {
    if (error instanceof Skip) reply.skipped = error.message;
    else reply.error = `${error?.name ?? typeof error}: ${error?.message ?? JSON.stringify(error)}`.slice(0, 300);
  }
  say(JSON.stringify(reply) + "\n");
}
