// okx-api (npm) as a program for `okxdoctor conform client`. NODE_PATH does not reach modules: run it where okx-api is
// installed, or name its place in CLIENT_MODULES.
//
//     okxdoctor conform client -- node tests/conformance/clients/okx_api.mjs
import { createRequire } from "node:module";
import { randomBytes } from "node:crypto";
import { join } from "node:path";

const require = createRequire(join(process.env.CLIENT_MODULES ?? process.cwd(), "x.js"));
const { RestClient, WebsocketClient } = require("okx-api");
const keys = {
  apiKey: process.env.OKX_API_KEY,
  apiSecret: process.env.OKX_SECRET_KEY,
  apiPass: process.env.OKX_PASSPHRASE,
};
const inst = "BTC-USDT";
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const rest = new RestClient({ ...keys, baseUrl: process.env.OKX_BASE_URL });

function feed(path, args, accounts) {
  const client = new WebsocketClient({ accounts, wsUrl: `${process.env.OKX_WS_URL}/${path}` });
  client.on("error", (error) => console.log("error:", JSON.stringify(error?.msg ?? String(error))));
  client.on("exception", (error) => console.log("error:", JSON.stringify(error?.msg ?? String(error))));
  client.subscribe(args);
}

await rest.getInstruments({ instType: "SPOT" });
await rest.getAccountConfiguration();
await rest.getBalance({ ccy: "BTC,USDT" });
feed("public", [{ channel: "tickers", instId: inst }, { channel: "books", instId: inst }]);
feed("business", [{ channel: "candle1m", instId: inst }]);
feed("private", [{ channel: "orders", instType: "ANY" }, { channel: "account" }], [keys]);
for (;;) {
  try {
    await rest.getTicker({ instId: inst });
    // What became of an order whose answer was lost.
    for (const left of await rest.getOrderList({ instType: "SPOT" })) {
      await rest.cancelOrder({ instId: inst, ordId: left.ordId });
    }
    const [order] = await rest.submitOrder({
      instId: inst, tdMode: "cash", side: "buy", ordType: "limit", sz: "0.001", px: "20000",
      clOrdId: "n" + randomBytes(8).toString("hex"),
    });
    await rest.getOrderDetails({ instId: inst, ordId: order.ordId });
    await rest.cancelOrder({ instId: inst, ordId: order.ordId });
  } catch (error) {
    console.log("error:", JSON.stringify(error?.msg ?? error?.code ?? String(error)), JSON.stringify(error?.code ?? ""));
    await pause(1000);
  }
  await pause(250);
}
