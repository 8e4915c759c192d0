import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { listSettings } from '../../../src/config/settings/settings.ts'
import { readGatedConfig } from '../../support/gates/read-gated-config.ts'

const example = readFileSync(join(import.meta.dirname, '..', 'gates', 'example.yaml'), 'utf8')

describe('the settings of gates', async () => {
  const settings = listSettings(await readGatedConfig(example))
  const settingOf = (key: string) => settings.find((one) => one.key === key)

  it('have the position of their value', () => {
    expect(settingOf('environments.prod.gates[2].scan.exceptions[0].id')).toMatchObject({
      value: 'CVE-2026-1234',
      origin: { kind: 'file', line: 42, column: 21 },
    })
    expect(settingOf('signers.promotions.keys[1].expires')).toMatchObject({ value: '2026-06-30' })
    expect(settingOf('approvers.leads.ada.actors')).toMatchObject({ value: ['github:ada'] })
    expect(settingOf('residency.rules[0].allow')).toMatchObject({ value: ['eu.registry.example.com/**'] })
  })

  it.each([
    ['environments.prod.gates[2].appliesTo', 'platforms'],
    ['environments.prod.gates[1].operations', ['promote', 'copy', 'tag', 'sync']],
    ['environments.prod.gates[1].mode', 'enforce'],
    ['environments.prod.gates[1].override', 'allowed'],
    ['environments.prod.gates[1].attestation.newestOnly', false],
    ['environments.prod.gates[2].scan.unknownSeverity', 'critical'],
    ['environments.prod.gates[3].sbom.minComponents', 1],
    ['environments.prod.gates[4].soak.requireCurrent', false],
    ['environments.prod.gates[5].approvals.allowSelfApproval', false],
    ['signers.build.keyless.transparencyLog', 'required'],
  ])('include the default of %s', (key, value) => {
    expect(settingOf(key)).toEqual({ key, value, origin: { kind: 'default' } })
  })

  it('include the patterns of `require`, and not its default', () => {
    const found = settings.filter(({ key }) => key.startsWith('environments.prod.require'))
    expect(found.map(({ key, value }) => [key, value])).toEqual([
      ['environments.prod.require[0]', 'reason'],
      ['environments.prod.require[1].ticket', String.raw`OPS-\d+`],
    ])
    expect(settingOf('environments.staging.require')).toMatchObject({ value: [] })
  })

  it('are listed once', () => {
    const keys = settings.map(({ key }) => key)
    expect(new Set(keys).size).toBe(keys.length)
  })
})
