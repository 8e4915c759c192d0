import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { appendSynced } from '../../src/files/append.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dray-files-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('appending', () => {
  it('makes the file and its folders, closed to others', async () => {
    const path = join(folder, 'a', 'b', 'log')
    await appendSynced(path, ['one'])
    expect(readFileSync(path, 'utf8')).toBe('one\n')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700)
  })

  it('keeps what is there and adds the lines in their order', async () => {
    const path = join(folder, 'log')
    await appendSynced(path, ['one', 'two'])
    await appendSynced(path, ['three'])
    await appendSynced(path, [])
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\nthree\n')
  })

  it('ends a torn line, so that the next one stands alone', async () => {
    const path = join(folder, 'log')
    writeFileSync(path, '{"a":1}\n{"b"')
    await appendSynced(path, ['{"c":3}'])
    expect(readFileSync(path, 'utf8').split('\n')).toEqual(['{"a":1}', '{"b"', '{"c":3}', ''])
  })

  it('keeps every line of many writers whole', async () => {
    const path = join(folder, 'log')
    const lines = Array.from({ length: 40 }, (_, i) => `${i}:${'x'.repeat(2000)}`)
    await Promise.all(lines.map((line) => appendSynced(path, [line])))
    expect(readFileSync(path, 'utf8').split('\n').filter(Boolean).sort()).toEqual([...lines].sort())
  })

  it('refuses a line that holds a line break', async () => {
    await expect(appendSynced(join(folder, 'log'), ['a\nb'])).rejects.toMatchObject({ code: 'internal' })
  })

  it('says io for a path that is a folder', async () => {
    mkdirSync(join(folder, 'log'))
    await expect(appendSynced(join(folder, 'log'), ['a'])).rejects.toMatchObject({ code: 'io' })
  })
})
