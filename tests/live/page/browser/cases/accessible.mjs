// axe-core finds nothing on any page, in light and dark, wide and narrow, updates included. It is
// put in by the driver, beside the pages' own policy.
import { readFile } from "node:fs/promises";
import { check, equal } from "../run.mjs";

const axe = await readFile(process.env.BROWSER_AXE, "utf8");

export default async function (visitor) {
  for await (const page of visitor.tour({ colorScheme: "light" }, "?q=nothing", "targets/gone")) {
    await page.evaluate(axe);
    for (const [colorScheme, width] of [["light", 1280], ["dark", 1280], ["dark", 360]]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: 900 });
      const { violations, passes } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
      check(passes.length > 10, `axe looked at ${page.url()}: ${passes.length}`);
      const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).slice(0, 3)}`);
      equal(found, [], `axe at ${page.url()}, ${colorScheme}, ${width}`);
    }
  }
  // The page of a target that is gone is a 404, and the browser says so.
  const refused = visitor.complaints.filter((text) => text.includes("404"));
  equal(refused.length, 1, "pages that are not there");
  visitor.complaints = visitor.complaints.filter((text) => !text.includes("404"));
}
