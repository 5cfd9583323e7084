// Adapter for `okxdoctor conform`, in JavaScript for Node without dependencies.
//
// Run it:   okxdoctor conform sign  --adapter 'node adapter.mjs'
//           okxdoctor conform round --adapter 'node adapter.mjs'
//           okxdoctor conform parse --adapter 'node adapter.mjs'
//
// The functions below give right answers. Replace their bodies by calls of your own code, leave out the ones you do
// not have, and keep the loop at the end. Print nothing to standard output but replies; console.error is free.

import { createHmac } from "node:crypto";
import { createInterface } from "node:readline";

// ---- signing ---------------------------------------------------------------------------------------------

// encodeURIComponent leaves !'()* as they are; they are allowed raw, and some HTTP libraries escape them later.
const encode = (text) =>
  encodeURIComponent(String(text)).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());

const hmac = (secret, text) => createHmac("sha256", secret).update(text).digest("base64");

// A value is text, null, a boolean, or a list of texts, which String() joins by commas, as OKX documents lists.
function sign({ secret, timestamp, method, path, params, body }) {
  const query = (params ?? [])
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join("&");
  const requestPath = query ? `${path}?${query}` : path;
  const text = body === null ? "" : JSON.stringify(body);
  const prehash = timestamp + method.toUpperCase() + requestPath + text;
  return { sign: hmac(secret, prehash), request_path: requestPath, body: text };
}

function wsLogin({ key, secret, passphrase, epoch_s: timestamp }) {
  return { apiKey: key, passphrase, timestamp, sign: hmac(secret, `${timestamp}GET/users/self/verify`) };
}

// ---- rounding: whole numbers of 10^-places, as BigInt ----------------------------------------------------

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

function parse(text) {
  const match = NUMBER.exec(text);
  if (!match || !(match[2] || match[3])) throw new Error(`${JSON.stringify(text)} is no decimal number`);
  const fraction = match[3] ?? "";
  let units = BigInt(match[2] + fraction);
  let places = fraction.length - Number(match[4] ?? 0);
  if (places < 0) {
    units *= 10n ** BigInt(-places);
    places = 0;
  }
  return { units: match[1] === "-" ? -units : units, places };
}

const at = (number, places) => number.units * 10n ** BigInt(places - number.places);

function plain(units, places) {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, "0");
  const whole = digits.slice(0, digits.length - places);
  const fraction = digits.slice(digits.length - places).replace(/0+$/, "");
  return (units < 0n ? "-" : "") + whole + (fraction ? `.${fraction}` : "");
}

const floorTo = (value, step) => {
  const rest = value % step;
  return value - (rest < 0n ? rest + step : rest);
};
const ceilTo = (value, step) => -floorTo(-value, step);

function positive(text) {
  const number = parse(text);
  if (number.units <= 0n) throw new Error(`${JSON.stringify(text)} makes no grid`);
  return number;
}

function roundPrice({ price, side, mode, tick, bands }) {
  const rows = (bands ?? [{ max: "", tick }]).map((band) => ({
    top: band.max ? parse(band.max) : null,
    tick: positive(band.tick),
  }));
  const wanted = parse(price);
  const places = Math.max(wanted.places, ...rows.flatMap((row) => [row.tick.places, row.top?.places ?? 0]));
  const value = at(wanted, places);
  const steps = rows.map((row) => ({ tick: at(row.tick, places), high: row.top && at(row.top, places) }));
  steps.sort((a, b) => (a.high === null ? 1 : b.high === null ? -1 : a.high < b.high ? -1 : 1));
  steps.forEach((step, i) => (step.low = i ? steps[i - 1].high : null));
  steps[steps.length - 1].high = null;
  const direction = mode === "passive" ? (side === "buy" ? "down" : "up") : mode;
  const below = lower(value, steps);
  const above = upper(value, steps);
  const down = direction === "down" || (direction === "nearest" && value - below < above - value);
  return { price: plain(down ? below : above, places) };
}

function lower(value, steps) {
  for (const { tick, low, high } of steps.toReversed()) {
    if (low !== null && value < low) continue;
    const point = floorTo(high !== null && value >= high ? high - 1n : value, tick);
    if (low === null || point >= low) return point;
  }
}

function upper(value, steps) {
  for (const { tick, low, high } of steps) {
    if (high !== null && value >= high) continue;
    const point = ceilTo(low !== null && value < low ? low : value, tick);
    if (high === null || point < high) return point;
  }
}

function roundSize({ size, lot, min }) {
  const [asked, step, least] = [parse(size), positive(lot), parse(min || "0")];
  const places = Math.max(asked.places, step.places, least.places);
  const fitted = floorTo(at(asked, places), at(step, places));
  return { size: fitted > 0n && fitted >= at(least, places) ? plain(fitted, places) : null };
}

// ---- parsing ---------------------------------------------------------------------------------------------

function parseTimestamp({ ts }) {
  if (ts === "") return { iso: null };
  if (!/^[0-9]{1,32}$/.test(ts) || Number(ts) > 253402300799999) throw new Error(`${ts} is no epoch time`);
  return { iso: new Date(Number(ts)).toISOString() };
}

const AGAIN = new Set(["50001", "50011", "50013", "50061"]);
// Too much, not now, or the CDN could not reach the exchange: nothing happened there.
const AGAIN_STATUS = new Set([429, 503, 521, 522, 523, 525, 526, 530]);

function parseResponse({ status, body }) {
  let value = null;
  try {
    value = JSON.parse(body);
  } catch {
    // not JSON: judged by the status below
  }
  const raw = value !== null && typeof value === "object" && !Array.isArray(value) ? value.code : undefined;
  const code = typeof raw === "number" ? String(raw) : raw;
  if (typeof code !== "string" || code === "") {
    const kind = status >= 200 && status < 300 ? "not_json" : "http";
    return { kind, code: null, items: [], retryable: kind === "http" && AGAIN_STATUS.has(status) };
  }
  const rows = Array.isArray(value.data) ? value.data : [];
  let items = rows.map((row) => ({ code: row?.sCode || "", message: row?.sMsg || "" }));
  if (!items.some((item) => item.code)) items = [];
  let kind = { 0: "ok", 1: "rejected", 2: "partial" }[code] ?? "rejected";
  if (items.length && ["0", "1", "2"].includes(code)) {
    const kinds = new Set(items.map((item) => (item.code === "" ? kind : item.code === "0" ? "ok" : "rejected")));
    kind = kinds.size === 1 ? [...kinds][0] : "partial";
  }
  const own = items.map((item) => item.code).filter(Boolean);
  const codes = new Set(own.length ? own : [code]);
  const retryable = kind === "rejected" && codes.size === 1 && AGAIN.has([...codes][0]);
  return { kind, code, items, retryable };
}

// ---- the protocol ----------------------------------------------------------------------------------------

const OPS = {
  sign,
  ws_login: wsLogin,
  round_price: roundPrice,
  round_size: roundSize,
  parse_timestamp: parseTimestamp,
  parse_response: parseResponse,
};

// JSON.parse has lost the last digits of such a number before the code under test sees it.
const holdsBigNumber = (line) => /[:,[ ]-?\d{16,}/.test(line.slice(line.indexOf('"body":')).replace(/"(\\.|[^"\\])*"/g, '""'));

function reply(line) {
  const message = JSON.parse(line);
  if (message.cmd === "start") {
    return { name: "my client", version: "1.0", language: "javascript", supports: Object.keys(OPS) };
  }
  const { seq, op, input } = message;
  if (op === "sign" && holdsBigNumber(line)) return { seq, skipped: "a number that JavaScript cannot hold" };
  try {
    return { seq, output: OPS[op](input) };
  } catch (error) {
    return { seq, error: String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  if (JSON.parse(line).cmd === "stop") break;
  process.stdout.write(JSON.stringify(reply(line)) + "\n");
}
