import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withFailingDisk } from '../../support/failing-disk.ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  isTempName,
  makeFolder,
  moveToFinalPath,
  writeFileAtomic,
  writeStreamAtomic,
} from '../../../src/lib/files/atomic.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dray-files-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const never = new AbortController().signal

async function* chunksThen(error: unknown): AsyncGenerator<Uint8Array> {
  yield Buffer.from('half')
  throw error
}

describe('an atomic write', () => {
  it('leaves the complete file and no other', async () => {
    const path = join(folder, 'a')
    await writeFileAtomic(path, 'old')
    await writeFileAtomic(path, Buffer.from('new'))
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(readdirSync(folder)).toEqual(['a'])
  })

  it('creates the file with the requested mode', async () => {
    await writeFileAtomic(join(folder, 'a'), 'x', { mode: 0o600 })
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600)
  })

  it('replaces a symbolic link, and does not change its target', async () => {
    writeFileSync(join(folder, 'outside'), 'mine')
    symlinkSync('outside', join(folder, 'a'))
    await writeFileAtomic(join(folder, 'a'), 'new')
    expect(lstatSync(join(folder, 'a')).isFile()).toBe(true)
    expect(readFileSync(join(folder, 'outside'), 'utf8')).toBe('mine')
  })

  it('keeps the old content and leaves no temporary file if its source fails', async () => {
    const path = join(folder, 'a')
    await writeFileAtomic(path, 'old')
    const broken = new Error('broken')
    await expect(writeStreamAtomic(path, chunksThen(broken), never)).rejects.toBe(broken)
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(folder)).toEqual(['a'])
  })

  it('leaves no temporary file if it is aborted', async () => {
    const stop = new AbortController()
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('one')
      stop.abort(new Error('enough'))
      yield Buffer.from('two')
    }
    await expect(writeStreamAtomic(join(folder, 'a'), chunks(), stop.signal)).rejects.toThrow('enough')
    expect(readdirSync(folder)).toEqual([])
  })

  it('creates its temporary file in the given folder', async () => {
    await makeFolder(join(folder, 'blobs'))
    let seen: string[] = []
    async function* chunks(): AsyncGenerator<Uint8Array> {
      seen = readdirSync(folder).filter(isTempName)
      yield Buffer.from('x')
    }
    await writeStreamAtomic(join(folder, 'blobs', 'a'), chunks(), never, { tempFolder: folder })
    expect(seen).toHaveLength(1)
    expect(readdirSync(join(folder, 'blobs'))).toEqual(['a'])
  })

  it('names the file in its errors, not the temporary one', async () => {
    const path = join(folder, 'a')
    const write = withFailingDisk({ code: 'EROFS' }, () => writeFileAtomic(path, 'x'))
    await expect(write).rejects.toMatchObject({
      code: 'io',
      subject: path,
      why: expect.stringMatching(new RegExp(`read-only .*open '${path}'`)) as string,
    })
  })

  it('fails with not-found if the folder does not exist, and with io if it is a file', async () => {
    await expect(writeFileAtomic(join(folder, 'no', 'a'), '')).rejects.toMatchObject({
      code: 'not-found',
      why: `the folder ${join(folder, 'no')} does not exist`,
      hint: `Create the folder ${join(folder, 'no')} first.`,
    })
    writeFileSync(join(folder, 'file'), '')
    await expect(writeFileAtomic(join(folder, 'file', 'a'), '')).rejects.toMatchObject({ code: 'io' })
    await expect(makeFolder(join(folder, 'file'))).rejects.toMatchObject({ code: 'io' })
  })

  it('replaces an old file by a finished one', async () => {
    writeFileSync(join(folder, 'upload'), 'new')
    writeFileSync(join(folder, 'a'), 'old')
    await moveToFinalPath(join(folder, 'upload'), join(folder, 'a'))
    expect(readdirSync(folder)).toEqual(['a'])
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('new')
  })

  it('creates missing parent folders with the same mode, and accepts an existing folder', async () => {
    await makeFolder(join(folder, 'a', 'b'), 0o700)
    await makeFolder(join(folder, 'a', 'b'), 0o700)
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700)
    chmodSync(join(folder, 'a'), 0o755)
  })
})
