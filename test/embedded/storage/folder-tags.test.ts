import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { folderStorage } from '../../../src/embedded/storage/folder-storage.ts'
import { FolderLayout } from '../../../src/embedded/storage/folder-layout.ts'
import { FolderTags } from '../../../src/embedded/storage/folder-tags.ts'
import { byText, SortedNames } from '../../../src/embedded/storage/sorted-names.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { countFileCalls } from '../../support/count-file-calls.ts'
import { tempFolder } from './storages.ts'

const [one, two] = [digestOf('one'), digestOf('two')]

/** The tags of one folder, with files that a person can change. */
async function tagsOfOneFolder(maxKept?: number) {
  const folder = await tempFolder()
  const layout = new FolderLayout(folder)
  const file = (tag: string, repository = 'a') => layout.tag(repository, tag)
  for (const repository of ['a', 'b']) await mkdir(layout.tagFolder(repository), { recursive: true })
  const tags = new FolderTags(layout, (path, content) => writeFile(path, content), maxKept)
  return { tags, file }
}

describe('the tags of a folder', () => {
  it('follow the changes of this process', async () => {
    const { tags } = await tagsOfOneFolder()
    await tags.put('a', 'y', one)
    expect(await tags.tagsOf('a', one)).toEqual(['y'])
    await tags.put('a', 'x', one)
    await tags.put('a', 'z', two)
    await tags.put('a', 'y', two)
    expect(await tags.tagsOf('a', one)).toEqual(['x'])
    expect(new Set(await tags.tagsOf('a', two))).toEqual(new Set(['y', 'z']))
    expect(await tags.delete('a', 'x')).toBe(true)
    expect(await tags.delete('a', 'x')).toBe(false)
    expect(await tags.tagsOf('a', one)).toEqual([])
    expect(await tags.after('a', undefined, 10)).toEqual(['y', 'z'])
  })

  it('follow files that a person adds, removes and edits', async () => {
    const { tags, file } = await tagsOfOneFolder()
    await tags.put('a', 'x', one)
    await tags.put('a', 'y', one)
    expect(new Set(await tags.tagsOf('a', one))).toEqual(new Set(['x', 'y']))
    await writeFile(file('added'), one)
    await rm(file('x'))
    expect(new Set(await tags.tagsOf('a', one))).toEqual(new Set(['added', 'y']))
    await writeFile(file('y'), two)
    expect(await tags.tagsOf('a', one)).toEqual(['added'])
    expect(await tags.after('a', undefined, 10)).toEqual(['added', 'y'])
  })

  it('include a file that a person adds just before a change of this process', async () => {
    const { tags, file } = await tagsOfOneFolder()
    await tags.put('a', 'x', one)
    await tags.tagsOf('a', one)
    await writeFile(file('added'), one)
    await tags.put('a', 'y', one)
    expect(new Set(await tags.tagsOf('a', one))).toEqual(new Set(['added', 'x', 'y']))
  })

  it('are read again after a folder was replaced', async () => {
    const { tags, file } = await tagsOfOneFolder()
    await tags.put('a', 'x', one)
    await tags.tagsOf('a', one)
    await rm(join(file('x'), '..'), { recursive: true })
    expect(await tags.after('a', undefined, 10)).toEqual([])
    await tags.put('b', 'z', one)
    await rename(join(file('z', 'b'), '..'), join(file('x'), '..'))
    expect(await tags.tagsOf('a', one)).toEqual(['z'])
  })

  it('are kept in memory for the repositories that were used last', async () => {
    const { tags } = await tagsOfOneFolder(5)
    for (const tag of ['1', '2', '3']) {
      await tags.put('a', tag, one)
      await tags.put('b', tag, two)
    }
    const calls = (repository: string) => countFileCalls(() => tags.tagsOf(repository, digestOf('none')))
    const [first, again] = [await calls('a'), await calls('a')]
    expect(again).toBeLessThan(first)
    await calls('b')
    expect(await calls('a')).toBe(first)
  })
})

describe('sorted names', () => {
  it('are like a sorted list that is searched from its start', () => {
    const name = fc.string({ minLength: 1, maxLength: 2, unit: fc.constantFrom('A', 'a', 'b', '-', '.') })
    fc.assert(
      fc.property(
        fc.array(name),
        fc.array(fc.tuple(fc.boolean(), name)),
        fc.option(name, { nil: undefined }),
        fc.nat(4),
        (first, changes, last, count) => {
          const names = new SortedNames(first)
          const expected = new Set(first)
          for (const [isAdded, each] of changes) {
            if (isAdded) names.add(each)
            else names.delete(each)
            if (isAdded) expected.add(each)
            else expected.delete(each)
          }
          const rest = [...expected].sort(byText).filter((each) => last === undefined || each > last)
          expect(names.after(last, count)).toEqual(rest.slice(0, count))
          expect(names.size).toBe(expected.size)
        },
      ),
    )
  })
})

describe('the repositories of a folder', () => {
  it('are in ASCII order, also with names inside of others, from any point on', async () => {
    const names = ['a', 'a-b', 'a-b/c', 'a.b', 'a/b', 'a/b/c', 'a/b-c', 'a0', 'b/c/d', 'b/d', 'c']
    const folder = await tempFolder()
    const storage = await folderStorage(folder)
    for (const name of names) await mkdir(join(folder, 'repositories', name, '_blobs'), { recursive: true })
    const sorted = [...names].sort(byText)
    for (const last of [undefined, '', ...names, 'a-', 'a/', 'a/a', 'b', 'b/c', 'b/c/', 'z']) {
      const rest = sorted.filter((each) => last === undefined || each > last)
      expect(await storage.repositories(last, Infinity)).toEqual(rest)
      expect(await storage.repositories(last, 2)).toEqual(rest.slice(0, 2))
    }
  })
})
