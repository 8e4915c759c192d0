import { describe, expect, it } from 'vitest'
import { checkIsWhole, readUntilWhole } from '../../../src/images/tags/tags.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'

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

it('a list that cannot be read is not read again', async () => {
  let reads = 0
  const read = () => {
    reads++
    return Promise.reject(new DrayError('forbidden', 'no'))
  }
  await expect(readUntilWhole(read)).rejects.toMatchObject({ code: 'forbidden' })
  expect(reads).toBe(1)
})
