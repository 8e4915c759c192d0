import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Remembered } from '../../../src/images/cache/remembered.ts'
import { digestOf, encodedOf } from '../../../src/oci/digest.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { tempFolder } from '../../support/temp.ts'

async function remembered(maxBytes?: number) {
  const folder = await tempFolder()
  const warnings: string[] = []
  const open = (kind = 'seen'): Remembered =>
    new Remembered(kind, {
      folder,
      clock: manualClock(),
      warn: (text) => void warnings.push(text),
      ...(maxBytes !== undefined && { maxBytes }),
    })
  const fileOf = (key: string): string => join(folder, 'seen', encodedOf(digestOf(key)))
  return { folder, open, fileOf, warnings }
}

describe('a value of an earlier run', () => {
  it.each([{ tags: { '1.0': 'sha256:…' } }, [], '', 0, null, false, 'ünï'])(
    'is there again: %j',
    async (value) => {
      const { open } = await remembered()
      expect(await open().get('ghcr.io/team/api')).toBeUndefined()
      await open().put('ghcr.io/team/api', value)
      expect(await open().get('ghcr.io/team/api')).toEqual(value)
      expect(await open().get('ghcr.io/team/ap')).toBeUndefined()
      expect(await open('other').get('ghcr.io/team/api')).toBeUndefined()
    },
  )

  it('is the value of the last put', async () => {
    const { open } = await remembered()
    for (const value of [1, 2]) await open().put('a', value)
    expect(await open().get('a')).toBe(2)
  })

  it.each<[string, (file: string) => void]>([
    ['shorter', (file) => truncateSync(file, 100)],
    ['empty', (file) => truncateSync(file, 0)],
    ['changed by a letter', (file) => writeFileSync(file, readFileSync(file, 'utf8').replace('aaa', 'aba'))],
    ['of another form', (file) => writeFileSync(file, '{"key":"a","value":1}')],
    ['of another form with its digest', (file) => writeFileSync(file, `${digestOf('null')}\nnull`)],
    ['no JSON with its digest', (file) => writeFileSync(file, `${digestOf('{')}\n{`)],
    [
      "another's, moved there",
      (file) => {
        const text = '{"key":"b","value":1}'
        writeFileSync(file, `${digestOf(text)}\n${text}`)
      },
    ],
  ])('is absent if its file is %s', async (_, damage) => {
    const { open, fileOf, folder } = await remembered()
    await open().put('a', 'aaaaaaa')
    damage(fileOf('a'))
    expect(await open().get('a')).toBeUndefined()
    expect(readdirSync(join(folder, 'seen'))).toEqual([])
  })

  it('is not kept beyond 16 MiB', async () => {
    const { open, warnings } = await remembered()
    await open().put('a', 'x'.repeat(16 * 1024 ** 2))
    expect(await open().get('a')).toBeUndefined()
    await open().put('a', 'x'.repeat(10 * 1024 ** 2))
    expect(await open().get('a')).toHaveLength(10 * 1024 ** 2)
    expect(warnings).toEqual([])
  })

  it('is deleted if all values exceed the limit', async () => {
    const { open, folder } = await remembered(1024 ** 2)
    for (let i = 0; i < 300; i++) await open().put(`repository ${i}`, 'x'.repeat(20_000))
    expect(readdirSync(join(folder, 'seen')).length).toBeLessThan(60)
    expect(await open().get('repository 299')).toHaveLength(20_000)
  })
})
