import { describe, expect, it } from 'vitest'
import { suggestTags } from '../../src/semver/suggest-tags.ts'
import { plainReading } from '../../src/semver/version.ts'

const suggest = (tag: string, tags: readonly string[]): string => suggestTags(tag, tags, plainReading)

const versions = ['1.0.0', '1.3.8', '1.3.9', '1.4.0', '1.4.1', '1.4.2', '1.5.0-rc.1', '2.0.0', '2.1.0']

describe('the tags that are suggested instead of a missing one', () => {
  it.each([
    ['1.4.9', 'Did you mean 1.4.2? The highest version is 2.1.0.'],
    ['1.3.7', 'Did you mean 1.3.8? The highest version is 2.1.0.'],
    ['v1.4.2', 'Did you mean 1.4.2? The highest version is 2.1.0.'],
    ['1.5.0', 'Did you mean 1.5.0-rc.1? The highest version is 2.1.0.'],
    ['2.0.1', 'Did you mean 2.0.0? The highest version is 2.1.0.'],
    ['2.1.1', 'Did you mean 2.1.0?'],
    ['1.9.0', 'Did you mean 1.5.0-rc.1? The highest version is 2.1.0.'],
    ['1.1.0', 'Did you mean 1.0.0 or 1.3.8? The highest version is 2.1.0.'],
    ['3.0.0', 'The highest versions are 2.1.0, 2.0.0, 1.4.2.'],
    ['1.4', 'Did you mean 1.4.2? The highest version is 2.1.0.'],
    ['v1', 'Did you mean 1.4.2? The highest version is 2.1.0.'],
    ['3', 'The highest versions are 2.1.0, 2.0.0, 1.4.2.'],
    ['9.9.9', 'The highest versions are 2.1.0, 2.0.0, 1.4.2.'],
    ['stable', 'The highest versions are 2.1.0, 2.0.0, 1.4.2.'],
  ])('are for %s: %s', (tag, hint) => {
    expect(suggest(tag, versions)).toBe(hint)
    expect(suggest(tag, versions.toReversed())).toBe(hint)
  })

  it('are the versions on both sides of a gap', () => {
    expect(suggest('1.4.1', ['1.4.0', '1.4.2', '1.4.3'])).toBe(
      'Did you mean 1.4.0 or 1.4.2? The highest version is 1.4.3.',
    )
  })

  it('are compared as numbers', () => {
    expect(suggest('1.9.0', ['1.4.0', '1.5.0', '1.10.0', '1.11.0'])).toBe(
      'Did you mean 1.5.0 or 1.10.0? The highest version is 1.11.0.',
    )
  })

  it('are names of the same form in a repository without versions', () => {
    expect(suggest('buidl', ['build', 'main'])).toBe('Did you mean build?')
    expect(suggest('prod', ['build', 'main'])).toBe('The tags are main, build.')
    expect(suggest('prod', ['a1', 'b1', 'c1', 'd1', 'e1', 'f1'])).toBe(
      'The repository has 6 tags, and none of them is a version.',
    )
    expect(suggest('prod', [])).toBe('Check the name of the repository: it has no tags.')
  })

  it('are pre-releases if there is nothing else', () => {
    expect(suggest('main', ['1.0.0-rc.1', '1.0.0-rc.2'])).toBe(
      'The highest versions are 1.0.0-rc.2, 1.0.0-rc.1.',
    )
  })
})
