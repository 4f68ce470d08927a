// A new probe appears without a reload, also behind a filter; a hidden page asks for nothing.
import { check, equal, until } from "../run.mjs";

const newest = (page) => page.locator("tbody[data-live=probes] tr").first().getAttribute("data-key");

export default async function (visitor) {
  const page = await visitor.open("targets/steady");
  await page.evaluate(() => (window.loaded = "once"));
  await page.getByText("Live", { exact: true }).waitFor();
  const before = await newest(page);
  await until("a newer probe", async () => (await newest(page)) !== before);
  equal(await page.evaluate(() => window.loaded), "once", "the page is still the same one");
  check((await page.locator("tr.new").count()) > 0, "what is new is marked");

  const first = await visitor.open("");
  const version = () => first.locator("tr[data-key=steady]").getAttribute("data-version");
  const old = await version();
  await until("a newer row", async () => (await version()) !== old);

  let asked = 0;
  const underway = new Set();
  page.on("request", (request) => {
    asked += 1;
    underway.add(request);
  });
  for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => underway.delete(request));
  const hide = (hidden) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await hide(true);
  await page.getByText("Paused", { exact: true }).waitFor();
  // The other page goes on: two more of its updates, so there was news for both.
  const news = async () => {
    for (const _ of [1, 2]) {
      const last = await version();
      await until("news meanwhile", async () => (await version()) !== last);
    }
  };
  // What was asked before it was hidden may still be answered and shown.
  await until("the end of what was under way", async () => underway.size === 0);
  await news();
  asked = 0;
  const seen = await newest(page);
  await news();
  equal([asked, await newest(page)], [0, seen], "requests of a hidden page, its newest probe");
  await hide(false);
  await until("the news on the page", async () => (await newest(page)) !== seen);
}
