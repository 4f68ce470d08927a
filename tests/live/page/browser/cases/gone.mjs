// A page whose target a reload has taken away says so, and is alive again when the target is back.
import { until } from "../run.mjs";

export default async function (visitor) {
  const page = await visitor.open("targets/steady");
  const says = (text) => page.getByText(text, { exact: true }).waitFor();
  await says("Live");
  await page.route("**/targets/steady", (route) => route.fulfill({ status: 404, body: "gone" }));
  await says("Out of date: this page is no longer there");
  await page.unroute("**/targets/steady");
  await says("Live");
  // The browser says that the page was not there, as it should.
  await until("the complaint", async () => visitor.complaints.some((text) => text.includes("404")));
  visitor.complaints = visitor.complaints.filter((text) => !text.includes("404"));
}
