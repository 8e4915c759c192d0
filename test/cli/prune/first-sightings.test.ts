import { chmod, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FirstSightings } from '../../../src/cli/prune/history/first-sightings.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { RunSightings, Sighting } from '../../../src/usecases/prune/records/history.ts'
import { tempFolder } from '../../support/temp.ts'

const repository = { registry: 'r.example', path: 'api' }
const one: Sighting = { kind: 'broken', tag: 'v1', digest: digestOf('one') }
const other: Sighting = { kind: 'orphaned', tag: 'an-sbom', digest: digestOf('other') }

async function memory() {
  const log = join(await tempFolder(), 'audit.jsonl')
  const warnings: string[] = []
  const call = {
    signal: new AbortController().signal,
    notify: (event: { kind: string; text?: string }) => void warnings.push(event.text ?? event.kind),
  }
  const remember = async (now: number, sightings: readonly Sighting[], rest: Partial<RunSightings> = {}) =>
    (
      await new FirstSightings(log, systemClock).remember(
        'r.example/api',
        { repository, sightings, now, isExamined: () => true, ...rest },
        call,
      )
    ).map(({ tag, since }) => [tag, since])
  return { log, remember, warnings }
}

describe('the first sighting of missing content', () => {
  it('is that of the first run that saw it, in every later run', async () => {
    const { remember } = await memory()
    expect(await remember(1000, [one])).toEqual([['v1', 1000]])
    expect(await remember(5000, [one, other])).toEqual([
      ['v1', 1000],
      ['an-sbom', 5000],
    ])
    expect(await remember(9000, [one, other])).toEqual([
      ['v1', 1000],
      ['an-sbom', 5000],
    ])
  })

  it('is forgotten if a run sees that nothing is missing, or that the tag moved', async () => {
    const { remember } = await memory()
    await remember(1000, [one, other])
    await remember(2000, [{ ...one, digest: digestOf('moved') }])
    expect(await remember(3000, [one, other])).toEqual([
      ['v1', 3000],
      ['an-sbom', 3000],
    ])
  })

  it('is kept by a run whose rules do not select it', async () => {
    const { remember } = await memory()
    await remember(1000, [one])
    await remember(2000, [], { isExamined: ({ kind }) => kind === 'orphaned' })
    expect(await remember(3000, [one])).toEqual([['v1', 1000]])
  })

  it('is never in the future', async () => {
    const { remember } = await memory()
    await remember(9000, [one])
    expect(await remember(1000, [one])).toEqual([['v1', 1000]])
  })

  it('is one of each concurrent run, and no file is needed if nothing is missing', async () => {
    const { log, remember } = await memory()
    expect(await remember(1000, [])).toEqual([])
    await expect(readdir(`${log}.sightings`)).rejects.toMatchObject({ code: 'ENOENT' })
    await Promise.all(
      Array.from({ length: 8 }, (_, i) => remember(1000 + i, i % 2 === 0 ? [one, other] : [one])),
    )
    const later = await remember(9000, [one])
    expect(later).toEqual([['v1', expect.any(Number)]])
    expect(later[0]?.[1]).toBeLessThan(1008)
  })

  it('starts again if its file is damaged, and a file that others can write is refused', async () => {
    const { log, remember } = await memory()
    await remember(1000, [one])
    const name = (await readdir(`${log}.sightings`)).find((file) => file.endsWith('.json'))
    const file = join(`${log}.sightings`, name ?? '')
    await writeFile(file, '{"schema":')
    expect(await remember(2000, [one])).toEqual([['v1', 2000]])
    await chmod(file, 0o666)
    await expect(remember(3000, [one])).rejects.toMatchObject({ code: 'refused' })
  })

  it('is this run, with a warning, if the folder cannot be written', async () => {
    const { log, remember, warnings } = await memory()
    await writeFile(`${log}.sightings`, 'a file')
    expect(await remember(1000, [one])).toEqual([['v1', 1000]])
    expect(warnings.join()).toContain('cannot save the first sightings in r.example/api')
  })
})
