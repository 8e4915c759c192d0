import { describe, expect, it } from 'vitest'
import { versionCandidates } from '../../src/look/marker-version.ts'
import { plainReading } from '../../src/semver/version.ts'

const asked = (tags: readonly string[], buildMetadata = false): readonly string[] =>
  versionCandidates(tags, { ...plainReading, buildMetadata }).map(({ tag }) => tag)

describe('to find the version of a marker', () => {
  it('stable versions are asked from the highest down, and pre-releases last', () => {
    expect(asked(['1.9.0', '2.0.0-rc.1', 'latest', '1.10.0', '1', '1.9', '20240101', 'abc1234'])).toEqual([
      '1.10.0',
      '1.9.0',
      '2.0.0-rc.1',
    ])
  })

  it('one spelling of each version is asked before any other spelling', () => {
    const order = asked(['v1.4.2', '1.4.2', '1.4.1', 'v1.4.1', '1.5.0-rc.1'])
    expect(order.slice(0, 2).map((tag) => tag.replace('v', ''))).toEqual(['1.4.2', '1.4.1'])
    expect(order.slice(2, 4).map((tag) => tag.replace('v', ''))).toEqual(['1.4.2', '1.4.1'])
    expect(order[4]).toBe('1.5.0-rc.1')
  })

  it('an underscore begins build metadata only where that is configured', () => {
    expect(asked(['1.4.1_build.7'])).toEqual([])
    expect(asked(['1.4.1_build.7', '1.4.1_build.8'], true)).toHaveLength(2)
  })

  it('no more than nine tags are asked', () => {
    expect(asked(Array.from({ length: 40 }, (_, i) => `1.${i}.0`))).toEqual(
      Array.from({ length: 9 }, (_, i) => `1.${39 - i}.0`),
    )
  })
})
