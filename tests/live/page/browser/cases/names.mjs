// Whatever a target is called: its name is shown as it is, leads to its page, and runs nothing.
import { check, equal } from "../run.mjs";

// However long a name is, its neighbours keep room for their words.
function brokenWords() {
  const range = document.createRange();
  const broken = [];
  for (const { firstChild: text } of document.querySelectorAll("thead th")) {
    for (const { 0: word, index } of (text?.data ?? "").matchAll(/\S+/g)) {
      range.setStart(text, index);
      range.setEnd(text, index + word.length);
      if (range.getClientRects().length > 1) broken.push(word);
    }
  }
  return broken;
}

export default async function (visitor) {
  const page = await visitor.open("");
  page.on("dialog", (dialog) => visitor.complaints.push(`a dialog: ${dialog.message()}`));
  const links = page.locator("tbody[data-live=targets] th a");
  const names = await links.allInnerTexts();
  check(names.length === 7, `names: ${names}`);
  equal(await page.evaluate(brokenWords), [], "words of the table's head on more than one line");
  for (const width of [320, 770, 800, 900, 960, 1280]) {
    await page.setViewportSize({ width, height: 740 });
    equal(await page.evaluate(() => document.documentElement.scrollWidth), width, "the width with long names");
  }
  for (const name of names) {
    await page.goto(visitor.url);
    await page.getByRole("link", { name, exact: true }).first().click();
    await page.getByRole("heading", { level: 1 }).waitFor();
    equal(await page.getByRole("heading", { level: 1 }).innerText(), name, "the heading");
    await page.getByText("Live", { exact: true }).waitFor();
    await page.getByLabel("Show", { exact: true }).selectOption("slow");
    await page.waitForURL(/show=slow/);
    await page.reload();
    equal(await page.getByRole("heading", { level: 1 }).innerText(), name, "the filtered address");
  }
  equal(await page.locator("main script, main img").count(), 0, "elements made of names");
}
