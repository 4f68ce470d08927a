// node shoot.mjs URL FILE.png: takes a picture of the whole page and prints what the page saw.
import { chromium } from 'playwright-core';

const [url, file] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 1000 } });
page.on('pageerror', (error) => console.log('error:', String(error).slice(0, 500)));
await page.goto(url);
await page.waitForFunction(() => document.title !== 'loading', null, { timeout: 120000 });
// Tables draw nothing that is out of sight.
const height = await page.evaluate(() => document.documentElement.scrollHeight);
await page.setViewportSize({ width: 1440, height });
await page.waitForTimeout(1500); // the charts draw after the page is there
console.log(await page.title(), JSON.stringify(await page.evaluate(() => window.seen || document.body.innerText), null, 1));
await page.screenshot({ path: file, fullPage: true });
await browser.close();
