import { describe, expect, it } from 'vitest'
import { listVersionCandidates } from '../../../../src/usecases/views/status/current-version.ts'
import { plainReading } from '../../../../src/semver/version.ts'

const asked = (
  tags: readonly string[],
  { buildMetadata = false, marker = 'latest' } = {},
): readonly string[] =>
  listVersionCandidates(tags, { ...plainReading, buildMetadata }, marker).map(({ tag }) => tag)

describe('to find the version of a marker', () => {
  it('stable versions are asked from the highest down, and lower pre-releases last', () => {
    expect(asked(['1.9.0', '1.10.0-rc.1', 'latest', '1.10.0', '1', '1.9', '20240101', 'abc1234'])).toEqual([
      '1.10.0',
      '1.9.0',
      '1.10.0-rc.1',
    ])
  })

  it('pre-releases ahead of all stable versions are asked right after the highest of these', () => {
    const stable = Array.from({ length: 40 }, (_, i) => `1.${i}.0`)
    expect(asked([...stable, '2.0.0-rc.1', '2.0.0-rc.2', '2.0.0-rc.3']).slice(0, 4)).toEqual([
      '1.39.0',
      '2.0.0-rc.3',
      '2.0.0-rc.2',
      '1.38.0',
    ])
    expect(asked(['1.0.0-rc.1', '1.0.0-rc.2'])).toEqual(['1.0.0-rc.2', '1.0.0-rc.1'])
  })

  it.each([
    ['1', ['1.9.0', '1.8.0', '1.7.0']],
    ['v1.8', ['1.8.0', '2.9.0', '2.8.0']],
    ['next', ['1.0.0-next.7', '1.0.0-next.6', '2.9.0']],
    ['current', ['2.9.0', '2.8.0', '2.7.0']],
  ])('the marker %s has the versions that it moves with asked first', (marker, first) => {
    const stable = [1, 2].flatMap((major) => Array.from({ length: 10 }, (_, i) => `${major}.${i}.0`))
    const order = asked([...stable, '1.0.0-next.6', '1.0.0-next.7'], { marker })
    expect(order.slice(0, 3)).toEqual(first)
    expect(order).toHaveLength(9)
  })

  it('one spelling of each version is asked before any other spelling', () => {
    const order = asked(['v1.4.2', '1.4.2', '1.4.1', 'v1.4.1', '1.4.1-rc.1'])
    expect(order.slice(0, 2).map((tag) => tag.replace('v', ''))).toEqual(['1.4.2', '1.4.1'])
    expect(order.slice(2, 4).map((tag) => tag.replace('v', ''))).toEqual(['1.4.2', '1.4.1'])
    expect(order[4]).toBe('1.4.1-rc.1')
  })

  it('an underscore begins build metadata only where that is configured', () => {
    expect(asked(['1.4.1_build.7'])).toEqual([])
    expect(asked(['1.4.1_build.7', '1.4.1_build.8'], { buildMetadata: true })).toHaveLength(2)
  })

  it('no more than nine tags are asked', () => {
    expect(asked(Array.from({ length: 40 }, (_, i) => `1.${i}.0`))).toEqual(
      Array.from({ length: 9 }, (_, i) => `1.${39 - i}.0`),
    )
  })
})
