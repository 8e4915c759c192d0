import { describe, expect, it } from 'vitest'
import { isInRange, parseRange } from '../../src/semver/range.ts'
import { parseVersion } from '../../src/semver/version.ts'

const isIn = (version: string, range: string): boolean => {
  const parsed = parseVersion(version)
  if (parsed === undefined) throw new Error(`${version} is no version`)
  return isInRange(parsed, parseRange(range))
}

describe('a range of versions', () => {
  it.each([
    ['>=1.4 <2', '1.4.0 1.9.9', '1.3.9 2.0.0'],
    ['^1.4', '1.4.2 v1.9.0', '2.0.0 1.3.0'],
    ['1.x || 3.0.1', '1.0.0 3.0.1', '2.0.0 3.0.0'],
    ['1.2 - 1.4', '1.2.0 1.4.9', '1.5.0'],
  ])('%s has %s and not %s', (range, inside, outside) => {
    expect(inside.split(' ').filter((version) => !isIn(version, range))).toEqual([])
    expect(outside.split(' ').filter((version) => isIn(version, range))).toEqual([])
  })

  it('has pre-releases only of a version of which it names one', () => {
    expect(isIn('1.5.0-rc.1', '>=1.4')).toBe(false)
    expect(isIn('2.0.0-rc.1', '>=1.4 <2')).toBe(false)
    expect(isIn('1.5.0-rc.2', '>=1.5.0-rc.1')).toBe(true)
    expect(isIn('1.6.0-rc.1', '>=1.5.0-rc.1')).toBe(false)
  })

  it.each(['', '  ', 'latest', '>=', 'x'.repeat(1000), '1.2.3 &&'])(
    'is not %j: that is malformed, with a word on how to write one',
    (text) => {
      expect(() => parseRange(text)).toThrowError(
        expect.objectContaining({ code: 'malformed', hint: expect.stringContaining('>=1.4 <2') as string }),
      )
    },
  )
})
