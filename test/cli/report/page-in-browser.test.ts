import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { darkPalette, lightPalette } from '../../../src/render/html/palette.ts'
import { renderReportPage } from '../../../src/render/html/report-page.ts'
import { Browser, chromium, type View } from '../../support/chromium.ts'
import {
  eventOf,
  fullReport,
  policyPlan,
  repositoryUsage,
  statusOf,
  timelineOf,
  usageOf,
  usualPlan,
} from '../../support/report/report-values.ts'
import { tempFolder } from '../../support/temp.ts'

const views: readonly (View & { readonly ground: string })[] = [
  ...([360, 1600] as const).flatMap((width) => [
    { width, scheme: 'light', media: 'screen', ground: lightPalette.page } as const,
    { width, scheme: 'dark', media: 'screen', ground: darkPalette.page } as const,
  ]),
  // A4 without its margins, with a dark screen.
  { width: 695, scheme: 'dark', media: 'print', ground: lightPalette.page },
]

/** The colour of the first pixel of a PNG with 8 bits per channel. No filter changes that pixel. */
function firstPixel(png: Buffer): string {
  const parts: Buffer[] = []
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at)
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length))
    at += length + 12
  }
  return `#${inflateSync(Buffer.concat(parts)).toString('hex', 1, 4)}`
}

describe.skipIf(chromium === undefined)('the page of a report in Chromium (skipped without it)', () => {
  it('shows every view without a message, a request or a horizontal scroll bar, and prints', async () => {
    const file = join(await tempFolder(), 'report.html')
    await writeFile(file, renderReportPage(fullReport(), false).page)
    await using browser = await Browser.start(chromium ?? '')
    await browser.open(file)
    for (const { ground, ...view } of views) {
      await browser.show(view)
      expect([view, (await browser.contentSize()).width]).toEqual([view, view.width])
      expect([view, firstPixel(await browser.screenshot())]).toEqual([view, ground])
    }
    const pages = (await browser.pdf()).toString('latin1').match(/\/Type \/Page\b/g) ?? []
    // Each section begins on a page of its own.
    expect(pages.length).toBeGreaterThanOrEqual(4)
    expect(browser.events).toEqual([`request file://${file}`])
  })

  it('wraps long names and opened details on a narrow screen', async () => {
    const file = join(await tempFolder(), 'report.html')
    const long = `${'long-name/'.repeat(9)}${'x'.repeat(70)}`
    const { page } = renderReportPage(
      fullReport({
        status: { state: 'read', value: statusOf([[long, `${'y'.repeat(120)}=a`, 'latest=b', '!']]) },
        timeline: {
          state: 'read',
          value: timelineOf([
            eventOf({ image: long, lane: long, reason: long, actor: { user: long, host: long } }),
          ]),
        },
        retention: { state: 'read', value: { policies: [policyPlan([usualPlan(long)])] } },
        usage: { state: 'read', value: usageOf([repositoryUsage('dev/api', { image: long })]) },
      }),
      false,
    )
    await writeFile(file, page.replaceAll('<details>', '<details open>'))
    await using browser = await Browser.start(chromium ?? '')
    await browser.show({ width: 360, scheme: 'light', media: 'screen' })
    await browser.open(file)
    expect((await browser.contentSize()).width).toBe(360)
  })

  it('would report an image from another place', async () => {
    const file = join(await tempFolder(), 'bad.html')
    const { page } = renderReportPage(fullReport(), false)
    await writeFile(file, page.replace('<header>', '<img src="https://example.com/x.png"><header>'))
    await using browser = await Browser.start(chromium ?? '')
    await browser.open(file)
    expect(browser.events.length).toBeGreaterThan(1)
  })
})
