// From the first page to the waterfall of a failure, by clicks, and back.
import { check, equal } from "../run.mjs";

export default async function (visitor) {
  const page = await visitor.open("");
  const row = page.locator("tr[data-key=broken]");
  equal((await row.getByRole("cell").first().innerText()).trim(), "✕ failing", "the state");
  const first = await page.locator("tbody[data-live=targets] tr").first().getAttribute("data-key");
  equal(first, "broken", "the failing target comes first");
  await row.getByRole("link", { name: "truncated" }).click();
  await page.getByRole("heading", { name: "Waterfall" }).waitFor();
  await page.getByText("The answer broke off", { exact: false }).waitFor();
  for (const phase of ["Send", "Processing", "First token", "Decode"]) {
    const cells = page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: phase }) });
    check(/\d (µs|ms|s)$/.test((await cells.first().innerText()).trim()), `${phase} has a duration`);
  }
  const bars = await page.locator("svg.bar rect").evaluateAll((all) => all.map((r) => r.getBoundingClientRect().width));
  check(bars.length >= 4 && bars.every((width) => width > 0), `bars: ${bars}`);
  const ticks = await page.locator("path.tokens").getAttribute("d");
  check(/^M\d+ /.test(ticks), `ticks: ${ticks}`); // one where a busy machine read all at once
  await page.getByText("All instants as a table").click();
  equal(await page.locator("details tbody tr").count(), 5, "tokens until it broke off");
  await page.getByRole("heading", { name: "Verdicts" }).waitFor();
  await page.getByRole("link", { name: "broken" }).click();
  await page.getByRole("heading", { name: "broken" }).waitFor();
  await page.getByRole("link", { name: "Targets" }).click();
  await page.getByRole("heading", { name: "Last failures" }).waitFor();
}
