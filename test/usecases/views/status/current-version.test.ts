import { describe, expect, it } from 'vitest'
import { listVersionCandidates } from '../../../../src/usecases/views/status/current-version.ts'
import { plainReading } from '../../../../src/semver/version.ts'

const candidates = (
  tags: readonly string[],
  { buildMetadata = false, currentTag = 'latest' } = {},
): readonly string[] =>
  listVersionCandidates(tags, { ...plainReading, buildMetadata }, currentTag).map(({ tag }) => tag)

describe('candidates for the version of a current-version tag', () => {
  it('are stable versions from the highest down, then lower pre-releases', () => {
    expect(
      candidates(['1.9.0', '1.10.0-rc.1', 'latest', '1.10.0', '1', '1.9', '20240101', 'abc1234']),
    ).toEqual(['1.10.0', '1.9.0', '1.10.0-rc.1'])
  })

  it('have pre-releases above all stable versions right after the highest of these', () => {
    const stable = Array.from({ length: 40 }, (_, i) => `1.${i}.0`)
    expect(candidates([...stable, '2.0.0-rc.1', '2.0.0-rc.2', '2.0.0-rc.3']).slice(0, 4)).toEqual([
      '1.39.0',
      '2.0.0-rc.3',
      '2.0.0-rc.2',
      '1.38.0',
    ])
    expect(candidates(['1.0.0-rc.1', '1.0.0-rc.2'])).toEqual(['1.0.0-rc.2', '1.0.0-rc.1'])
  })

  it('of latest are versions without a variant, and those of a variant are its own', () => {
    const reading = { ...plainReading, variants: ['alpine', 'slim'] }
    const tags = ['1.10.0', '1.9.0', '1.11.0-alpine', '1.9.0-alpine', '1.10.0-slim', 'alpine']
    const first = (currentTag: string) =>
      listVersionCandidates(tags, reading, currentTag)
        .slice(0, 2)
        .map(({ tag }) => tag)
    expect(first('latest')).toEqual(['1.10.0', '1.9.0'])
    expect(first('alpine')).toEqual(['1.11.0-alpine', '1.9.0-alpine'])
    expect(first('1-alpine')).toEqual(['1.11.0-alpine', '1.9.0-alpine'])
  })

  it.each([
    ['1', ['1.9.0', '1.8.0', '1.7.0']],
    ['v1.8', ['1.8.0', '2.9.0', '2.8.0']],
    ['next', ['1.0.0-next.7', '1.0.0-next.6', '2.9.0']],
    ['current', ['2.9.0', '2.8.0', '2.7.0']],
  ])('begin with the versions of the line of the tag %s', (currentTag, first) => {
    const stable = [1, 2].flatMap((major) => Array.from({ length: 10 }, (_, i) => `${major}.${i}.0`))
    const order = candidates([...stable, '1.0.0-next.6', '1.0.0-next.7'], { currentTag })
    expect(order.slice(0, 3)).toEqual(first)
    expect(order).toHaveLength(9)
  })

  it('have one spelling of each version before any other spelling', () => {
    const order = candidates(['v1.4.2', '1.4.2', '1.4.1', 'v1.4.1', '1.4.1-rc.1'])
    expect(order.slice(0, 2).map((tag) => tag.replace('v', ''))).toEqual(['1.4.2', '1.4.1'])
    expect(order.slice(2, 4).map((tag) => tag.replace('v', ''))).toEqual(['1.4.2', '1.4.1'])
    expect(order[4]).toBe('1.4.1-rc.1')
  })

  it('include build metadata only if it is configured', () => {
    expect(candidates(['1.4.1_build.7'])).toEqual([])
    expect(candidates(['1.4.1_build.7', '1.4.1_build.8'], { buildMetadata: true })).toHaveLength(2)
  })

  it('are at most nine', () => {
    expect(candidates(Array.from({ length: 40 }, (_, i) => `1.${i}.0`))).toEqual(
      Array.from({ length: 9 }, (_, i) => `1.${39 - i}.0`),
    )
  })
})
