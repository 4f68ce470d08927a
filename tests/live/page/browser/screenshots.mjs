// Pictures of the live pages: `screenshots.mjs URL FOLDER`.
import { Visitor, launch } from "./run.mjs";

const [url, folder] = process.argv.slice(2);
const wide = { width: 1180, height: 640 };
const phone = { width: 360, height: 640 };

const browser = await launch();
const visitor = new Visitor(browser, url);
const { probes } = await (await fetch(`${url}api/v1/targets/assistant/probes?reason=truncated`)).json();
if (!probes.length) throw new Error("no failure to show: let it run for longer");
const waterfall = `probes/${probes[0].id}`;

async function take(name, path, viewport, colorScheme) {
  const page = await visitor.open(path, { viewport, colorScheme, deviceScaleFactor: viewport === phone ? 2 : 1 });
  await page.waitForLoadState("load");
  await page.screenshot({ path: `${folder}/${name}.png` });
  await page.context().close();
}

await take("targets-light", "", wide, "light");
await take("target-dark", "targets/prod-us", wide, "dark");
await take("probe-light", waterfall, wide, "light");
await take("targets-phone", "", phone, "dark");
await take("probe-phone", waterfall, phone, "light");
await browser.close();
