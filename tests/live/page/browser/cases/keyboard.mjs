// With nothing but the keyboard: the skip link, the way to a failure, a filter, and a focus that
// is always to be seen and is not lost by updates.
import { check, equal, until } from "../run.mjs";

const focused = (page) =>
  page.evaluate(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    const { innerText, tagName, id } = document.activeElement;
    return { text: innerText.trim(), tag: tagName, id, seen: outlineStyle !== "none" && outlineWidth !== "0px" };
  });

async function tabTo(page, wanted) {
  for (let step = 0; step < 60; step += 1) {
    await page.keyboard.press("Tab");
    const focus = await focused(page);
    check(focus.seen, `the focus on ${JSON.stringify(focus)} is to be seen`);
    if (wanted(focus)) return;
  }
  throw new Error("Tab never came there");
}

export default async function (visitor) {
  const page = await visitor.open("");
  await page.keyboard.press("Tab");
  equal((await focused(page)).text, "Skip to the content", "the first stop");
  await page.keyboard.press("Enter");
  await until("the content", async () => (await focused(page)).id === "main");

  await tabTo(page, (focus) => focus.text === "broken");
  const version = () => page.locator("tr[data-key=broken]").getAttribute("data-version");
  const before = await version();
  await until("an update of the focused row", async () => (await version()) !== before);
  equal((await focused(page)).text, "broken", "the focus after an update");
  await tabTo(page, (focus) => focus.text === "truncated");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Waterfall" }).waitFor();
  await tabTo(page, (focus) => focus.tag === "SUMMARY");
  await page.keyboard.press("Enter");
  await page.getByRole("table", { name: "Arrival of each event" }).waitFor();

  await page.goto(`${visitor.url}targets/steady`);
  await page.getByLabel("Show", { exact: true }).focus();
  await page.keyboard.press("f"); // of “failed”
  await page.getByText("None that is remembered.").waitFor();
}
