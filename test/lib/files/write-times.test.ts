import { mkdirSync, statSync, symlinkSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { WriteTimes } from '../../../src/lib/files/write-times.ts'
import { tempFolder } from '../../support/temp.ts'

async function times() {
  const folder = await tempFolder()
  const path = join(folder, 'writes')
  return { folder, path, times: new WriteTimes(path) }
}

it('says when the last write of a name ended, to other processes too', async () => {
  const { path, times: own } = await times()
  expect(own.last('a')).toBe(0)
  own.begin('a')
  own.end('a', 1_234.5)
  own.end('b', 7)
  const other = new WriteTimes(path)
  expect([other.last('a'), other.last('b'), other.last('c')]).toEqual([1_234.5, 7, 0])
})

it('says that a write is under way, also after one that did not end', async () => {
  const { path, times: own } = await times()
  own.end('a', 1)
  own.begin('a')
  expect(new WriteTimes(path).last('a')).toBe(Infinity)
})

it('has one small file, however many names there are', async () => {
  const { path, times: own } = await times()
  for (let i = 0; i < 200; i++) own.end(`tag ${i}`, i)
  expect(statSync(path).size).toBeLessThanOrEqual(2 ** 21)
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

it('takes a time that cannot be read for a write that is under way', async () => {
  const { folder, path, times: own } = await times()
  mkdirSync(path)
  own.begin('a')
  own.end('a', 1)
  expect(own.last('a')).toBe(Infinity)
  const link = join(folder, 'link')
  new WriteTimes(join(folder, 'file')).end('a', 1)
  symlinkSync(join(folder, 'file'), link)
  expect(new WriteTimes(link).last('a')).toBe(Infinity)
  truncateSync(join(folder, 'file'), statSync(join(folder, 'file')).size - 1)
  expect(new WriteTimes(join(folder, 'file')).last('a')).toBe(Infinity)
})
