import { describe, expect, it } from 'vitest'
import { detectReading } from '../../../src/cli/setup/detect-reading.ts'
import { readHistory } from '../../support/retention/tag-history.ts'

describe('the settings that the tags of a repository show', () => {
  it.each([
    ['alpine', undefined],
    ['chart', { buildMetadata: true }],
    ['erlang', { scheme: 'loose', variants: ['alpine', 'slim'] }],
    // a few dates beside semantic versions
    ['localstack', { variants: ['amd64', 'arm64'] }],
    ['monorepo', undefined],
    ['nginx', { variants: ['alpine*', 'bookworm', 'bookworm-perl', 'otel', 'perl', 'trixie'] }],
    ['nightly', undefined],
    ['node', { variants: ['alpine*', 'bookworm', 'bookworm-slim', 'slim'] }],
    ['pihole', { scheme: 'calver' }],
    ['postgres', { scheme: 'loose', variants: ['alpine*', 'bookworm', 'trixie'], twoNumbers: true }],
  ])('of %s are %j', async (name, reading) => {
    const { tags } = await readHistory(name)
    expect(detectReading(Object.keys(tags))).toEqual(reading)
  })

  it.each([
    ['no tags', [], undefined],
    ['semantic versions', ['1.4.0', '1.4.1', '1.4.2', '1.4', '1', 'latest'], undefined],
    ['two calendar versions', ['2024.04.1', '2024.05.1'], undefined],
    ['a year of two digits', ['24.04.1', '24.05.1', '24.06.1', '24.06'], { scheme: 'calver' }],
    [
      'dates beside versions',
      ['1.4.0', '1.4.1', '1.4.2', '2024.04.15', '2024.05.15', '2024.06.15'],
      undefined,
    ],
    ['zero padding that is no date', ['7.02.01', '7.02.02', '7.03.01'], { scheme: 'loose' }],
    [
      'floating tags of two numbers',
      ['1.4.0', '1.5.0', '1.6.0', '1.4', '1.5', '1.6', '1.7', '1.8'],
      undefined,
    ],
    ['platforms after _', ['1.4.0_amd64', '1.4.1_amd64', '1.4.2_amd64'], undefined],
    ['candidates after _', ['1.4.0_rc1', '1.4.1_rc1', '1.4.2_rc1'], undefined],
    ['commits', ['1.4.0-3f2a91c', '1.4.1-b0c3d4e', '1.4.2-abc1234', '1.4.2-15-g3f2a91c'], undefined],
    ['pre-releases', ['1.4.0-rc1', '1.5.0-rc1', '1.5.0-beta1', '1.6.0-dev', '1.7.0-dev'], undefined],
    [
      'suffixes whose glob would match pre-releases',
      ['1.4.0-a1', '1.5.0-a1', '1.4.0-a2', '1.5.0-a2'],
      { variants: ['a1', 'a2'] },
    ],
  ])('%s', (_, tags, reading) => {
    expect(detectReading(tags)).toEqual(reading)
  })
})
