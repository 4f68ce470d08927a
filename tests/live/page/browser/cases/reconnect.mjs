// Behind a proxy under a path: everything is found there. The proxy goes away and comes back.
import { createServer, request } from "node:http";
import { check, until } from "../run.mjs";

const PREFIX = "/deep/prober";

function proxy(url, port) {
  const server = createServer((from, to) => {
    if (!from.url.startsWith(`${PREFIX}/`)) return to.writeHead(404).end();
    const behind = new URL(from.url.slice(PREFIX.length + 1), url);
    const asked = request(behind, { method: from.method, headers: from.headers }, (answer) => {
      to.writeHead(answer.statusCode, answer.headers);
      answer.pipe(to);
    });
    asked.on("error", () => to.destroy());
    to.on("close", () => asked.destroy());
    from.pipe(asked);
  });
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
}

export default async function (visitor) {
  const first = await proxy(visitor.url, 0);
  const { port } = first.address();
  const page = await visitor.open("", { root: `http://127.0.0.1:${port}${PREFIX}/` });
  await page.getByText("Live", { exact: true }).waitFor();
  await page.getByRole("link", { name: "steady", exact: true }).click();
  await page.getByRole("heading", { name: "steady" }).waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  await page.locator("tbody[data-live=probes] tr a").first().click();
  await page.getByRole("heading", { name: "Waterfall" }).waitFor();
  check(page.url().startsWith(`http://127.0.0.1:${port}${PREFIX}/probes/`), page.url());
  await page.getByRole("link", { name: "steady" }).click();
  await page.getByText("Live", { exact: true }).waitFor();

  const newest = () => page.locator("tbody[data-live=probes] tr").first().getAttribute("data-key");
  first.closeAllConnections();
  await new Promise((resolve) => first.close(resolve));
  await page.getByText("Reconnecting …").waitFor();
  const last = await newest();
  const second = await proxy(visitor.url, port);
  await page.getByText("Live", { exact: true }).waitFor();
  await until("news after the gap", async () => (await newest()) !== last);
  await page.close();
  second.closeAllConnections();
  second.close();
  // That the connection broke is said by the browser itself; it is what was tried here.
  visitor.complaints = visitor.complaints.filter((text) => !text.includes("net::ERR_"));
}
