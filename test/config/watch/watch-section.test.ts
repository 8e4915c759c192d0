import { describe, expect, it } from 'vitest'
import { parseConfig, readConfigFile } from '../../../src/config/parse.ts'
import type { WatchConfig } from '../../../src/config/watch/watch-config.ts'
import { watchOf } from '../../../src/config/watch/watch-of.ts'
import { watchSourceKinds } from '../../../src/config/watch/watch-source-kinds.ts'
import { isDrayError } from '../../../src/lib/errors.ts'
import { eventSources } from '../../../src/usecases/watch/sources/event-sources.ts'

const environments = `version: 1
environments:
  dev: { registry: r.example.com, path: "dev/{image}" }
  staging: { registry: r.example.com, path: "staging/{image}" }
  prod: { registry: r.example.com, path: "prod/{image}", promoteFrom: [staging] }
  dr: { registry: dr.example.com, path: "dr/{image}" }
images: { api: , web: }
sync:
  - { name: hub, from: docker.io, repositories: [library/alpine], to: "r.example.com/hub/{repository}" }
  - { name: back, from: "@prod", to: "@staging" }
`

const sources = `
  sources:
    - { name: registry, kind: distribution, registry: r.example.com, secretEnv: TOKEN }`

function load(section: string, rest = environments): WatchConfig {
  const content = `${rest}watch:${section}\n`
  const loaded = parseConfig({ file: '/etc/dray/dray.yaml', content }, 'dray.yaml')
  const watch = watchOf(loaded, Date.UTC(2026, 10, 29))
  if (watch === undefined) throw new Error('no section')
  return watch
}

function mistakesIn(section: string, rest = environments): readonly string[] {
  try {
    load(section, rest)
    return []
  } catch (thrown) {
    if (!isDrayError(thrown) || thrown.code !== 'config') throw thrown
    return (thrown.mistakes ?? []).map(
      ({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`,
    )
  }
}

function mistakesOfRule(rule: string): readonly string[] {
  return mistakesIn(`${sources}
  rules:
    - ${rule}`)
}

describe('the section watch', () => {
  it('has a rule that promotes images, and defaults', () => {
    const { listen, rules, everyMs, metricsListen } = load(`${sources}
  rules:
    - { on: "@staging/api", tags: { semver: ">=1" }, do: promote, to: prod }`)
    expect(listen).toEqual({ host: '127.0.0.1', port: 8730 })
    expect(everyMs).toBeUndefined()
    expect(metricsListen).toBeUndefined()
    expect(rules).toMatchObject([
      { name: '@staging/api -> prod', do: 'promote', to: 'prod', gitops: false, tags: { kind: 'semver' } },
    ])
  })

  it('has a rule that runs a sync rule, for all of its repositories', () => {
    const { rules } = load(`${sources}
  every: 10m
  rules:
    - { do: sync, rule: hub }`)
    expect(rules).toMatchObject([{ name: 'sync hub', do: 'sync', rule: { name: 'hub' } }])
  })

  it('knows how each kind of source is authenticated, and its registry', () => {
    const { sources: read } = load(`
  listen: "[::1]:0"
  sources:
    - { name: a, kind: ghcr, secretEnv: A }
    - { name: b, kind: dockerhub, secretFile: secrets/b }
    - { name: c, kind: quay, registry: "quay.example.com:443", secretEnv: C }
    - { name: d, kind: ecr, registry: 1.dkr.ecr.eu-central-1.amazonaws.com, header: X-Api-Key, secretEnv: D }
    - { name: e, kind: cloudevents, secretEnv: E }
    - { name: f, kind: cloudevents, header: Authorization, registry: r.example.com, secretEnv: F }
  rules: [{ do: sync, rule: hub }]`)
    expect(read.map(({ registry, auth, secret }) => ({ registry, auth, secret }))).toEqual([
      { registry: 'ghcr.io', auth: { kind: 'hmac' }, secret: { kind: 'variable', name: 'A' } },
      {
        registry: 'docker.io',
        auth: { kind: 'path' },
        secret: { kind: 'file', path: '/etc/dray/secrets/b' },
      },
      { registry: 'quay.example.com', auth: { kind: 'path' }, secret: { kind: 'variable', name: 'C' } },
      {
        registry: '1.dkr.ecr.eu-central-1.amazonaws.com',
        auth: { kind: 'header', name: 'x-api-key' },
        secret: { kind: 'variable', name: 'D' },
      },
      { auth: { kind: 'hmac' }, secret: { kind: 'variable', name: 'E' } },
      {
        registry: 'r.example.com',
        auth: { kind: 'header', name: 'authorization' },
        secret: { kind: 'variable', name: 'F' },
      },
    ])
  })

  it('has the kinds of sources that dray can read, each with a secret that it can send', () => {
    expect([...watchSourceKinds].sort()).toEqual(Object.keys(eventSources).sort())
    for (const kind of watchSourceKinds) {
      const { sources: read } = load(`
  sources: [{ name: a, kind: ${kind}, registry: r.example.com, secretEnv: A }]
  rules: [{ do: sync, rule: hub }]`)
      expect(eventSources[kind].secrets).toContain(read[0]?.auth.kind)
    }
  })

  it('refuses the name of the source of checks', () => {
    expect(
      mistakesIn(`
  sources: [{ name: every, kind: ghcr, secretEnv: A }]
  rules: [{ do: sync, rule: hub }]`),
    ).toEqual([
      '12:21 watch.sources[0].name: every is the source of checks without an event: write another name',
    ])
  })

  it('refuses sources without a secret or a registry', () => {
    expect(
      mistakesIn(`
  sources:
    - { name: a, kind: harbor, registry: r.example.com }
    - { name: b, kind: distribution, secretEnv: B }
    - { name: b, kind: ghcr, secretEnv: B, secretFile: b }
    - { name: c, kind: ghcr, secretEnv: C, header: X-Key }
    - { name: d, kind: acr, secretEnv: D, registry: acme }
  rules: [{ do: sync, rule: hub }]`),
    ).toEqual([
      '13:7 watch.sources[0]: a source needs a secret: `secretEnv` or `secretFile`',
      '14:7 watch.sources[1]: a source of the kind distribution needs `registry`: the host of its repositories',
      '15:15 watch.sources[2].name: "b" is given twice',
      '15:44 watch.sources[2].secretFile: `secretEnv` and `secretFile` exclude each other',
      '16:44 watch.sources[3].header: a source of the kind ghcr sends no header: it signs its requests',
      '17:53 watch.sources[4].registry: "acme" is not the host of a registry: write a name with a dot or a port, without a path',
    ])
  })

  it.each([
    [
      '{ on: "@stage/api", tags: ["*"], do: promote, to: prod }',
      'on: there is no environment "stage"; known: dev, staging, prod, dr',
    ],
    [
      '{ on: "@staging/apo", tags: ["*"], do: promote, to: prod }',
      'on: there is no image "apo"; did you mean "api"?',
    ],
    [
      '{ on: "@staging", tags: ["*"], do: promote, to: prd }',
      'to: there is no environment "prd"; did you mean "prod"?',
    ],
    [
      '{ on: "@dev/api", tags: ["*"], do: promote, to: prod }',
      'to: prod does not take images from dev: its promoteFrom is staging',
    ],
    ['{ on: "@dev/api", tags: ["*"], do: promote, to: dev }', 'to: dev cannot be promoted from itself'],
    [
      '{ on: r.example.com/staging/*, tags: ["*"], do: promote, to: prod }',
      'on: r.example.com/staging/* is not in an environment: write one such as @staging/*',
    ],
    [
      '{ on: "@staging", tags: ["*"], do: promote, to: prod, gitops: true }',
      'gitops: the environment prod has no deployment files: add `gitops` to it',
    ],
    [
      '{ on: "@staging", tags: { semver: ">=1 <1" }, do: promote, to: prod }',
      'tags.semver: ">=1 <1" matches no version',
    ],
    [
      '{ on: "@staging", tags: ["*"], do: promote, to: prod, rule: hub }',
      'rule: `rule` is for rules that sync',
    ],
    ['{ do: sync, rule: hbu }', 'rule: there is no sync rule "hbu"; did you mean "hub"?'],
  ])('refuses the rule %s', (rule, mistake) => {
    expect(mistakesOfRule(rule).map((one) => one.replace(/^\d+:\d+ watch\.rules\[0\]\./, ''))).toEqual([
      mistake,
    ])
  })

  it('needs the images, tags and environment of a promotion', () => {
    expect(mistakesOfRule('{ do: promote }')).toEqual([
      '15:7 watch.rules[0]: a rule that promotes needs `on`: images of an environment',
      '15:7 watch.rules[0]: a rule that promotes needs `tags`: the tags to promote',
      '15:7 watch.rules[0]: a rule that promotes needs `to`: an environment',
    ])
    expect(mistakesOfRule('{ do: sync }')).toEqual([
      '15:7 watch.rules[0]: a rule that syncs needs `rule`: the name of a sync rule',
    ])
  })

  it('refuses rules that start each other', () => {
    expect(
      mistakesIn(`${sources}
  rules:
    - { on: "@dev/*", tags: ["*"], do: promote, to: staging }
    - { on: "@staging/web", tags: ["*"], do: promote, to: dev }`),
    ).toEqual([
      '16:7 watch.rules[1]: the rules form a cycle over r.example.com/dev/web: @dev/* -> staging -> @staging/web -> dev -> @dev/* -> staging',
    ])
  })

  it('refuses rules that start each other over three rules, also with a sync rule', () => {
    const rules = `${sources}
  rules:
    - { name: one, on: "@staging/api", tags: ["1.*"], do: promote, to: prod }
    - { name: two, do: sync, rule: back }
    - { name: three, on: "@dev/api", tags: ["*"], do: promote, to: staging }`
    expect(mistakesIn(rules)).toEqual([
      '16:7 watch.rules[1]: the rules form a cycle over r.example.com/staging/api: one -> two -> one',
    ])
  })

  it('accepts a chain of rules, and rules of different images in both directions', () => {
    expect(
      mistakesIn(`${sources}
  rules:
    - { on: "@dev/*", tags: ["*"], do: promote, to: staging }
    - { on: "@staging/*", tags: ["*"], do: promote, to: prod }
    - { on: "@prod/*", tags: ["*"], do: promote, to: dr }`),
    ).toEqual([])
    expect(
      mistakesIn(`${sources}
  rules:
    - { on: "@dev/api", tags: ["*"], do: promote, to: staging }
    - { on: "@staging/web", tags: ["*"], do: promote, to: dev }`),
    ).toEqual([])
  })

  it('refuses two rules of one name, short intervals and ports that do not exist', () => {
    expect(
      mistakesIn(`
  listen: 127.0.0.1:70000
  every: 0m
  sources: [{ name: a, kind: ghcr, secretEnv: A }]
  rules:
    - { on: "@staging", tags: ["1.*"], do: promote, to: prod }
    - { on: "@staging", tags: ["2.*"], do: promote, to: prod }`),
    ).toEqual([
      '12:11 watch.listen: the port must be from 0 to 65535',
      '13:10 watch.every: 0m is not an age: omit the key to check nothing without an event',
      '17:7 watch.rules[1]: another rule has the name "@staging -> prod": give this one a `name`',
    ])
  })

  it('reports its mistakes together with those of other sections', async () => {
    const broken = environments.replace('promoteFrom: [staging]', 'promoteFrom: [stage]')
    const content = `${broken}watch:${sources}\n  rules: [{ do: sync, rule: hbu }]\n`
    const read = readConfigFile({ file: '/etc/dray/dray.yaml', content }, 'dray.yaml')
    await expect(read).rejects.toMatchObject({
      mistakes: [
        { path: 'environments.prod.promoteFrom[0]' },
        { path: 'watch.rules[0].rule', message: 'there is no sync rule "hbu"; did you mean "hub"?' },
      ],
    })
  })
})
