import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRegular, readFileBounded } from '../../../src/lib/files/read.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dray-files-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** A named pipe; Node has no call for it. */
function makePipe(path: string): void {
  const program = 'mkfifo'
  execFileSync(program, [path])
}

describe('a bounded read', () => {
  it('returns a file up to the limit, and fails for one byte more', async () => {
    const path = join(folder, 'a')
    writeFileSync(path, '12345')
    expect(Buffer.from((await readFileBounded(path, 5)) ?? []).toString()).toBe('12345')
    await expect(readFileBounded(path, 4)).rejects.toMatchObject({ code: 'malformed' })
    writeFileSync(path, '')
    expect(await readFileBounded(path, 5)).toHaveLength(0)
  })

  it('returns undefined if the file or its folder does not exist', async () => {
    writeFileSync(join(folder, 'file'), '')
    expect(await readFileBounded(join(folder, 'a'), 5)).toBeUndefined()
    expect(await readFileBounded(join(folder, 'file', 'a'), 5)).toBeUndefined()
  })

  it('fails for a folder, and for a pipe without waiting for its writer', async () => {
    mkdirSync(join(folder, 'd'))
    makePipe(join(folder, 'pipe'))
    await expect(readFileBounded(join(folder, 'd'), 5)).rejects.toMatchObject({ code: 'io' })
    await expect(readFileBounded(join(folder, 'pipe'), 5)).rejects.toMatchObject({ code: 'io' })
  })

  it('fails for a symbolic link unless it may follow links', async () => {
    writeFileSync(join(folder, 'a'), '1')
    symlinkSync('a', join(folder, 'link'))
    expect(await readFileBounded(join(folder, 'link'), 5)).toHaveLength(1)
    await expect(openRegular(join(folder, 'link'))).rejects.toMatchObject({ code: 'io' })
  })
})
