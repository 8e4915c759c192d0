import { describe, expect, it } from 'vitest'
import { isInShard, parseShard } from '../../../src/cli/arguments/shard.ts'

describe('a shard', () => {
  it('can be counted from 0 or 1', () => {
    expect(parseShard('4/4')).toEqual(parseShard('0/4'))
    expect(parseShard('1/4')).toEqual({ index: 1, count: 4 })
  })

  it.each(['', '1', '5/4', '1/0', '-1/4', '1/4/4', 'a/b', '1/99999', '1.5/4'])('cannot be %j', (text) => {
    expect(() => parseShard(text)).toThrowError(expect.objectContaining({ code: 'usage' }))
  })

  it('contains a repository if no other shard does', () => {
    const repositories = Array.from({ length: 200 }, (_, i) => ({
      registry: 'r.example.com',
      path: `team/image-${i}`,
    }))
    const shards = [1, 2, 3, 4].map((i) => parseShard(`${i}/4`))
    const counts = repositories.map((one) => shards.filter((shard) => isInShard(one, shard)).length)
    expect(new Set(counts)).toEqual(new Set([1]))
    const sizes = shards.map((shard) => repositories.filter((one) => isInShard(one, shard)).length)
    expect(Math.min(...sizes)).toBeGreaterThan(20)
  })
})
