// The theme follows the system, and no page is wider than a small phone.
import { check, equal } from "../run.mjs";

const colours = (page) =>
  page.evaluate(() => {
    const { backgroundColor, color } = getComputedStyle(document.body);
    return [backgroundColor, color];
  });

/** The sum of red, green and blue. */
const light = (colour) => colour.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);

export default async function (visitor) {
  for (const path of await visitor.pages()) {
    const page = await visitor.open(path, { colorScheme: "light", viewport: { width: 360, height: 740 } });
    const day = await colours(page);
    await page.emulateMedia({ colorScheme: "dark" });
    const night = await colours(page);
    check(light(day[0]) > 700 && light(day[1]) < 150, `light at ${path}: ${day}`);
    check(light(night[0]) < 150 && light(night[1]) > 600, `dark at ${path}: ${night}`);
    for (const width of [360, 320, 800, 1280]) {
      await page.setViewportSize({ width, height: 740 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      equal(wide, width, `width of ${path || "the first page"}`);
    }
    await page.context().close();
  }
}
