import { describe, expect, it } from 'vitest'
import { type GivenFlag, listRunSettings } from '../../../src/cli/setup/run-settings.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { listSettings } from '../../../src/config/settings/settings.ts'

const content = `version: 1
environments:
  dev: { registry: localhost:5000, path: "dev/{image}", marker: stable }
  prod:
    targets: [{ registry: r.example.com, path: "prod/{image}" }]
    promoteFrom: [dev]
registries:
  r.example.com: { concurrency: 4 }
images: { api: }
audit: { webhook: { url: "https://hooks.example.com/T0/secret?key=1" } }
`

describe('the settings of a file', () => {
  const settings = listSettings(parseConfig({ file: '/x/dray.yaml', content }, 'dray.yaml'))
  const settingOf = (key: string) => settings.find((one) => one.key === key)

  it('have the position of their value', () => {
    expect(settingOf('environments.prod.targets[0].path')).toEqual({
      key: 'environments.prod.targets[0].path',
      value: 'prod/{image}',
      origin: { kind: 'file', line: 5, column: 48 },
    })
    expect(settingOf('registries["r.example.com"].concurrency')).toMatchObject({
      value: 4,
      origin: { line: 8 },
    })
    expect(settingOf('environments.dev.currentTag')).toMatchObject({ value: 'stable', origin: { line: 3 } })
  })

  it('include the defaults of keys that the file omits', () => {
    const origin = { kind: 'default' }
    expect(settingOf('environments.prod.currentTag')).toMatchObject({ value: 'latest', origin })
    expect(settingOf('environments.dev.promoteFrom')).toMatchObject({ value: null, origin })
    expect(settingOf('registries["localhost:5000"].insecure')).toMatchObject({ value: true, origin })
    expect(settingOf('registries["localhost:5000"].concurrency')).toMatchObject({ value: 16, origin })
    expect(settingOf('images.api.name')).toMatchObject({ value: 'api', origin })
  })

  it('are listed by section, each key once', () => {
    const keys = settings.map(({ key }) => key)
    expect(new Set(keys).size).toBe(keys.length)
    expect([...new Set(keys.map((key) => /^\w+/.exec(key)?.[0]))]).toEqual([
      'version',
      'registries',
      'environments',
      'images',
      'audit',
    ])
  })

  it.each(['cloudevents', 'cdevents', 'ocsf'])('have the format of the webhook: %s', (format) => {
    const file = `version: 1\naudit: { webhook: { url: "https://hooks.example.com/", format: ${format} } }\n`
    const config = parseConfig({ file: '/x/dray.yaml', content: file }, 'dray.yaml')
    expect(listSettings(config).find(({ key }) => key === 'audit.webhook.format')?.value).toBe(format)
  })

  it('refuse another format of the webhook', () => {
    const file = `version: 1\naudit: { webhook: { url: "https://hooks.example.com/", format: cdevent } }\n`
    expect(() => parseConfig({ file: '/x/dray.yaml', content: file }, 'dray.yaml')).toThrow(
      expect.objectContaining({
        code: 'config',
        mistakes: [
          expect.objectContaining({
            path: 'audit.webhook.format',
            message: expect.stringContaining('cdevents') as string,
          }),
        ],
      }),
    )
  })

  it('do not show the path of the webhook', () => {
    expect(settingOf('audit.webhook.url')?.value).toBe('https://hooks.example.com/…')
  })
})

describe('the settings of a run', () => {
  const flag = (name: string, given: Partial<GivenFlag> = {}): GivenFlag => ({
    name,
    variable: 'DRAY_X',
    value: undefined,
    fromVariable: undefined,
    ...given,
  })
  const paths = { file: '/x/dray.yaml', auditLog: '/x/a.jsonl', isAuditLogInFile: true }

  it('come from a flag before a variable, and from a variable before the file', () => {
    const flags = { config: flag('config'), maxWait: flag('max-wait'), auditFile: flag('audit-file') }
    const fromVariable = '/x/a.jsonl'
    const auditOf = (auditFile: GivenFlag) =>
      listRunSettings({ ...flags, auditFile }, {}, paths).find(({ key }) => key === 'audit.file')?.origin
    expect(auditOf(flag('audit-file', { value: 'a.jsonl', fromVariable }))).toEqual({
      kind: 'flag',
      name: 'audit-file',
    })
    expect(auditOf(flag('audit-file', { fromVariable }))).toEqual({ kind: 'variable', name: 'DRAY_X' })
    expect(auditOf(flag('audit-file'))).toBeUndefined()
  })

  it('include the variables that set a justification', () => {
    const flags = { config: flag('config'), maxWait: flag('max-wait'), auditFile: flag('audit-file') }
    expect(listRunSettings(flags, { DRAY_TICKET: 'OPS-1' }, paths)).toContainEqual({
      key: '--ticket',
      value: 'OPS-1',
      origin: { kind: 'variable', name: 'DRAY_TICKET' },
    })
  })
})
