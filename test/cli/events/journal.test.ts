import { appendFile, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Journal } from '../../../src/cli/events/journal.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import {
  formatEnd,
  formatEvent,
  formatHandled,
  formatSeen,
  type JournalContent,
} from '../../../src/usecases/watch/journal/journal-lines.ts'
import { withFailingDisk } from '../../support/failing-disk.ts'
import { leapingClock } from '../../support/manual-clock.ts'
import { tempFolder } from '../../support/temp.ts'

const digest = digestOf('a')
const at = Date.UTC(2026, 10, 29)
const signal = new AbortController().signal

function event(seq: number, tag = `1.${seq}.0`): Parameters<typeof formatEvent>[0] {
  const repository = 'registry.example.com/staging/api'
  return { seq, source: 'hub', rule: 'prod', repository, tag, digest, firstAt: at + seq }
}

async function openJournal(
  path: string,
  warnings: string[] = [],
): Promise<{ readonly journal: Journal; readonly content: JournalContent }> {
  return await Journal.open(path, { clock: systemClock, warn: (text) => warnings.push(text) }, signal)
}

async function journalPath(): Promise<string> {
  return join(await tempFolder(), 'state', 'watch.jsonl')
}

describe('Journal', () => {
  it('returns the events, digests and seen tags of an earlier process', async () => {
    const path = await journalPath()
    const { journal } = await openJournal(path)
    const handled = { rule: 'prod', repository: event(1).repository, tag: '1.0.0', digest, at }
    const seen = {
      rule: 'prod',
      repository: handled.repository,
      highest: '1.0.0',
      tags: new Map([['main', digest]]),
    }
    await journal.append([formatEvent(event(1)), formatEvent(event(2)), formatHandled(handled)])
    await journal.append([formatEnd(event(1)), formatSeen(seen)])
    await journal.close()
    const { journal: next, content } = await openJournal(path)
    expect(content).toEqual({ events: [event(2)], handled: [handled], seen: [seen], damaged: [] })
    await next.close()
  })

  it('does not end an event that came after the run', async () => {
    const path = await journalPath()
    const { journal } = await openJournal(path)
    await journal.append([formatEvent(event(1, 'main')), formatEvent(event(2, 'main'))])
    await journal.append([formatEnd(event(1, 'main'))])
    await journal.close()
    const { journal: next, content } = await openJournal(path)
    expect(content.events).toEqual([{ ...event(2, 'main'), firstAt: at + 1 }])
    await next.close()
  })

  it('writes lines that arrive during a sync together', async () => {
    const path = await journalPath()
    const { journal } = await openJournal(path)
    let writes = 0
    const size = (): number => journal.size
    const sizes = new Set<number>()
    const appends = Array.from({ length: 1_000 }, async (_, i) => {
      await journal.append([formatEvent(event(i))])
      sizes.add(size())
      writes++
    })
    await Promise.all(appends)
    expect(writes).toBe(1_000)
    expect(sizes.size).toBeLessThanOrEqual(2)
    await journal.close()
  })

  it('moves damaged lines aside, warns, and continues with the others', async () => {
    const path = await journalPath()
    const { journal } = await openJournal(path)
    await journal.append([formatEvent(event(1)), formatEvent(event(2))])
    await journal.close()
    await appendFile(path, '{"v":1,"kind":"event","seq":3\nnot JSON\0\n{"v":1,"kind":"ev')
    const warnings: string[] = []
    const { journal: next, content } = await openJournal(path, warnings)
    await next.compact(() => content.events.map(formatEvent))
    await next.append([formatEvent(event(4))])
    await next.close()
    expect(warnings).toEqual([`${path} has damaged lines: dray moved lines 3, 4, 5 to ${path}.damaged`])
    expect(await readFile(`${path}.damaged`, 'utf8')).toContain('not JSON\0\n{"v":1,"kind":"ev\n')
    const { journal: last, content: after } = await openJournal(path)
    expect(after.damaged).toEqual([])
    expect(after.events.map(({ seq }) => seq)).toEqual([1, 2, 4])
    await last.close()
  })

  it('is replaced by its current content, and accepts lines after that', async () => {
    const path = await journalPath()
    const { journal } = await openJournal(path)
    await journal.append(Array.from({ length: 10_000 }, (_, i) => formatEvent(event(i))))
    expect(journal.isLarge).toBe(true)
    await journal.compact(() => [formatEvent(event(7))])
    expect(journal.isLarge).toBe(false)
    await journal.append([formatEvent(event(8))])
    expect((await stat(path)).size).toBe(journal.size)
    await journal.close()
    const { journal: next, content } = await openJournal(path)
    expect(content.events.map(({ seq }) => seq)).toEqual([7, 8])
    await next.close()
  })

  it('fails the lines of a full disk, and keeps the lines before and after', async () => {
    const path = await journalPath()
    const { journal } = await openJournal(path)
    await journal.append([formatEvent(event(1))])
    await withFailingDisk({ code: 'ENOSPC' }, async () => {
      const append = journal.append([formatEvent(event(2))])
      const flushed = journal.flushed()
      await expect(append).rejects.toMatchObject({ code: 'io' })
      await expect(flushed).rejects.toMatchObject({ code: 'io' })
    })
    await journal.flushed()
    await journal.append([formatEvent(event(3))])
    await journal.close()
    const { journal: next, content } = await openJournal(path)
    expect(content.events.map(({ seq }) => seq)).toEqual([1, 3])
    expect(content.damaged).toEqual([])
    await next.close()
  })

  it('is refused to a second process', async () => {
    const path = await journalPath()
    const clock = leapingClock()
    const { journal } = await openJournal(path)
    await expect(Journal.open(path, { clock, warn: () => undefined }, signal)).rejects.toMatchObject({
      code: 'refused',
      message: `another process uses ${path}`,
    })
    await journal.close()
    expect(await readdir(join(path, '..'))).toEqual(['watch.jsonl'])
  })

  it('refuses a file that is a link', async () => {
    const path = await journalPath()
    const { journal } = await openJournal(path)
    await journal.close()
    const { symlink, rm } = await import('node:fs/promises')
    await rm(path)
    await writeFile(`${path}.other`, '')
    await symlink(`${path}.other`, path)
    await expect(openJournal(path)).rejects.toMatchObject({ code: 'io' })
  })
})
