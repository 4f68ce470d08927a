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
  const phone = { colorScheme: "light", viewport: { width: 360, height: 740 } };
  for await (const page of visitor.tour(phone)) {
    const day = await colours(page);
    await page.emulateMedia({ colorScheme: "dark" });
    const night = await colours(page);
    check(light(day[0]) > 700 && light(day[1]) < 150, `light at ${page.url()}: ${day}`);
    check(light(night[0]) < 150 && light(night[1]) > 600, `dark at ${page.url()}: ${night}`);
    await page.emulateMedia({ colorScheme: "dark", media: "print" });
    const paper = await colours(page);
    check(light(paper[0]) > 700 && light(paper[1]) < 150, `on paper at ${page.url()}: ${paper}`);
    await page.emulateMedia({ media: "screen" });
    for (const width of [360, 320, 800, 1280]) {
      await page.setViewportSize({ width, height: 740 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      equal(wide, width, `width of ${page.url()}`);
    }
  }
}
