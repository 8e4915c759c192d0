import { expect, it } from 'vitest'
import { renderConfigSummary, summaryOf } from '../../../src/cli/setup/config-summary.ts'
import { hashOfConfig } from '../../../src/config/hash.ts'
import { type LoadedConfig, parseConfig } from '../../../src/config/parse.ts'
import { listSettings } from '../../../src/config/settings/settings.ts'
import { syncRulesOf } from '../../../src/config/sync/sync-rules.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { environments } from '../../support/sync-config.ts'

const load = (rest: string): LoadedConfig =>
  parseConfig({ file: '/p/dray.yaml', content: environments + rest }, 'dray.yaml')

const rule = `transfer: { bandwidth: 1.5MiB/s }
registries: { docker.io: { reservePulls: 40 } }
sync:
  - name: hub
    from: docker.io
    repositories: [library/alpine]
    to: ["m.example.com/{repository}", "@prod"]
    delete: { exclusive: true }
`

it('config show has the keys of a sync rule and their defaults', () => {
  const settings = listSettings(load(rule)).filter(({ key }) =>
    /^(?:sync|transfer|registries.*reserve)/.test(key),
  )
  expect(settings.map(({ key, value, origin }) => [key, value, origin.kind])).toEqual([
    ['registries["docker.io"].reservePulls', 40, 'file'],
    ['sync[0].name', 'hub', 'file'],
    ['sync[0].from', 'docker.io', 'file'],
    ['sync[0].repositories', ['library/alpine'], 'file'],
    ['sync[0].to', ['m.example.com/{repository}', '@prod'], 'file'],
    ['sync[0].delete.exclusive', true, 'file'],
    ['sync[0].include', [], 'default'],
    ['sync[0].platforms', null, 'default'],
    ['sync[0].movedTags', 'follow', 'default'],
    ['sync[0].timeFrom', ['pushed', 'annotation', 'config'], 'default'],
    ['sync[0].optional', false, 'default'],
    ['sync[0].delete.gracePeriod', null, 'default'],
    ['sync[0].delete.limits.maxDeletes', null, 'default'],
    ['sync[0].delete.limits.maxPercent', null, 'default'],
    ['transfer.bandwidth', '1.5MiB/s', 'file'],
  ])
})

it('config validate names the sync rules', () => {
  const loaded = load(rule)
  const summary = summaryOf('/p/dray.yaml', loaded, { policies: [], syncRules: syncRulesOf(loaded) })
  expect(summary.sync).toMatchObject([{ name: 'hub', from: 'docker.io', exclusive: true, gates: [] }])
  expect(renderConfigSummary(summary, { style: plainStyle, width: undefined }).split('\n').at(-1)).toBe(
    '  sync hub: docker.io -> m.example.com/{repository}, @prod, with deletes',
  )
})

it('a sync rule, a bandwidth and reserved pulls do not change the hash of the configuration', () => {
  expect(hashOfConfig(load(rule).config)).toBe(hashOfConfig(load('').config))
})

it.each([
  ['1.5MiB/s', 1_572_864],
  ['500KB/s', 500_000],
  ['1B/s', 1],
])('a bandwidth of %s is %d bytes in a second', (text, bytes) => {
  const { config } = load(
    `transfer: { bandwidth: ${text} }\nregistries: { docker.io: { reservePulls: 0 } }\n`,
  )
  expect(config.transfer).toEqual({ bandwidth: bytes })
  expect(config.registries.get('docker.io')).toEqual({ reservePulls: 0 })
})

it.each(['0MiB/s', '20MiB', '20', 'fast'])('a bandwidth of %s is a mistake', (text) => {
  expect(() => load(`transfer: { bandwidth: ${text} }\n`)).toThrow(/transfer\.bandwidth: must be /)
})
