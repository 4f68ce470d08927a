// Filters: at once where there is a script, by the form where there is none; addresses that keep.
import { check, equal, until } from "../run.mjs";

const names = (page) =>
  page.locator("tbody[data-live=targets] tr").evaluateAll((rows) => rows.map((r) => r.dataset.key).sort());

async function instant(visitor) {
  const page = await visitor.open("");
  await page.evaluate(() => (window.loaded = "once"));
  equal(await names(page), ["broken", "steady"], "all");
  await page.getByRole("searchbox").pressSequentially("stea");
  await until("one row", async () => (await names(page)).join() === "steady");
  equal(await page.getByRole("status").innerText(), "1 of 2 targets shown, 1 failing.", "what is read out");
  await page.getByRole("searchbox").fill("");
  await page.getByLabel("State", { exact: true }).selectOption("failing");
  await until("the failing one", async () => (await names(page)).join() === "broken");
  check(page.url().endsWith("?state=failing"), page.url());
  equal(await page.evaluate(() => window.loaded), "once", "no reload");
  await page.reload();
  equal(await names(page), ["broken"], "the address is the filter");
  await page.getByLabel("State", { exact: true }).selectOption("");
  await page.getByLabel("Label", { exact: true }).fill("team=search");
  await until("by label", async () => (await names(page)).join() === "steady");
}

async function plain(visitor) {
  const page = await visitor.open("", { javaScriptEnabled: false });
  await page.getByRole("searchbox").fill("stea");
  await page.getByRole("button", { name: "Apply" }).first().click();
  await page.waitForURL(/q=stea/);
  equal(await names(page), ["steady"], "without a script");
  await page.getByRole("link", { name: /failing$/ }).first().click();
  await page.waitForURL(/state=failing/);
  equal(await page.getByText("No target matches").count(), 1, "both filters");
}

async function probes(visitor) {
  const page = await visitor.open("targets/steady");
  const rows = page.locator("tbody[data-live=probes] tr");
  check((await rows.count()) > 1, "probes");
  await page.getByLabel("Show", { exact: true }).selectOption("failed");
  await page.getByText("None that is remembered.").waitFor();
  await page.getByLabel("Show", { exact: true }).selectOption("");
  await until("all again", async () => (await rows.count()) > 1);
  await page.getByLabel("Workload", { exact: true }).selectOption("short");
  const column = rows.locator("td[data-column=Workload]");
  await until("one workload", async () => (await column.allInnerTexts()).every((text) => text.trim() === "short"));
}

export default async function (visitor) {
  await instant(visitor);
  await plain(visitor);
  await probes(visitor);
}
