import { describe, expect, it } from 'vitest'
import { checkIsWhole, readTag, readUntilWhole, resolveTagsToWrite } from '../../../src/images/tags/tags.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { notedCall } from '../../support/http-world.ts'
import { tagStores } from '../../support/tag-stores.ts'

const repository = { registry: 'registry.example.com', path: 'prod/api' }

/** Reads a repository whose list has the tag `1` from the reading with this number on. */
function reading(wholeFrom: number) {
  const reads: boolean[] = []
  const result = readUntilWhole(async (isAgain) => {
    reads.push(isAgain)
    const listed = reads.length < wholeFrom ? [] : ['1']
    checkIsWhole(repository, listed, [['1', digestOf('one')]])
    return listed
  })
  return { reads, result }
}

describe('a list of tags that lacks a tag that resolves', () => {
  it('is read again, because another run may have put the tag in between', async () => {
    const { reads, result } = reading(2)
    expect(await result).toEqual(['1'])
    expect(reads).toEqual([false, true])
  })

  it('is a conflict after three readings', async () => {
    const { reads, result } = reading(4)
    await expect(result).rejects.toMatchObject({ code: 'conflict' })
    expect(reads).toEqual([false, true, true])
  })

  it('is read once if it is whole', async () => {
    const { reads, result } = reading(1)
    await result
    expect(reads).toEqual([false])
  })
})

describe('a tag that may be written', () => {
  it('is read by GET if it must stay and the list lacks it, else by HEAD', async () => {
    const world = tagStores({ '1': digestOf('one') })
    const store = world.stores.target(repository)
    const mayBeImmutable = (tag: string): boolean => tag !== 'latest'
    const found = await resolveTagsToWrite(
      store,
      ['1', '1.4.2', 'latest'],
      new Set(['1']),
      mayBeImmutable,
      notedCall(),
    )
    expect(found).toEqual(
      new Map([
        ['1', digestOf('one')],
        ['1.4.2', null],
        ['latest', null],
      ]),
    )
    expect(world.requests.toSorted()).toEqual(['GET 1.4.2', 'HEAD 1', 'HEAD latest'])
  })

  it('is read by HEAD if a GET counts as a pull', async () => {
    const world = tagStores()
    const store = { ...world.stores.target(repository), capability: () => 'no' as const }
    await resolveTagsToWrite(store, ['1.4.2'], new Set(), () => true, notedCall())
    expect(world.requests).toEqual(['HEAD 1.4.2'])
  })

  it.each(['corrupt', 'malformed', 'unsupported'] as const)(
    'has the digest of HEAD if what it points at is %s, so that it can be replaced',
    async (code) => {
      const world = tagStores({ '1': digestOf('one') })
      const findManifest = (): Promise<never> => Promise.reject(new DrayError(code, 'no'))
      const store = { ...world.stores.target(repository), findManifest }
      expect(await readTag(store, '1', notedCall())).toBe(digestOf('one'))
      await expect(readTag(store, '2', notedCall())).rejects.toMatchObject({ code })
    },
  )

  it.each(['forbidden', 'unavailable'] as const)('is never absent after an error: %s', async (code) => {
    const world = tagStores({ '1': digestOf('one') })
    const findManifest = (): Promise<never> => Promise.reject(new DrayError(code, 'no'))
    const store = { ...world.stores.target(repository), findManifest }
    await expect(readTag(store, '1', notedCall())).rejects.toMatchObject({ code })
  })
})

it('a list that cannot be read is not read again', async () => {
  let reads = 0
  const read = () => {
    reads++
    return Promise.reject(new DrayError('forbidden', 'no'))
  }
  await expect(readUntilWhole(read)).rejects.toMatchObject({ code: 'forbidden' })
  expect(reads).toBe(1)
})
