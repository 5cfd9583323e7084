// ccxt (JavaScript, REST and WebSocket) as a program for `okxdoctor conform client`; CLIENT_MODULES as in okx_api.mjs.
//
//     okxdoctor conform client -- node tests/conformance/clients/ccxt_pro.mjs
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.CLIENT_MODULES ?? process.cwd(), "x.js"));
const ccxt = require("ccxt");
const pair = "BTC/USDT";
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const exchange = new ccxt.pro.okx({
  apiKey: process.env.OKX_API_KEY,
  secret: process.env.OKX_SECRET_KEY,
  password: process.env.OKX_PASSPHRASE,
});
exchange.urls.api.rest = process.env.OKX_BASE_URL;
exchange.urls.api.ws = process.env.OKX_WS_URL;

async function watch(call) {
  for (;;) {
    try {
      await call();
    } catch (error) {
      console.log("error:", String(error));
      await pause(1000); // the next call connects and subscribes again
    }
  }
}

async function trade() {
  for (;;) {
    try {
      for (const left of await exchange.fetchOpenOrders(pair)) await exchange.cancelOrder(left.id, pair);
      let order = await exchange.createOrder(pair, "limit", "buy", 0.001, 20000);
      await exchange.cancelOrder(order.id, pair);
      order = await exchange.createOrderWs(pair, "limit", "buy", 0.001, 20000);
      await exchange.cancelOrderWs(order.id, pair);
    } catch (error) {
      console.log("error:", String(error));
      await pause(2000);
    }
    await pause(300);
  }
}

await exchange.loadMarkets();
await exchange.fetchBalance();
await Promise.all([
  trade(),
  watch(() => exchange.watchTicker(pair)),
  watch(() => exchange.watchOrderBook(pair)),
  watch(() => exchange.watchOHLCV(pair)),
  watch(() => exchange.watchOrders(pair)),
  watch(() => exchange.watchBalance()),
]);
