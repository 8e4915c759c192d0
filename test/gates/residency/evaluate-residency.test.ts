import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileResidency } from '../../../src/config/gates/compile-residency.ts'
import type { ResidencyPolicy, ResidencyRule } from '../../../src/config/gates/residency.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { evaluateResidency, type ImageLabels } from '../../../src/gates/residency/evaluate-residency.ts'
import type { RepositoryName } from '../../../src/oci/reference.ts'

const content = `
version: 1
registries:
  eu.example.com: { aliases: [mirror.example.com] }
environments:
  staging: { registry: registry.example.com, path: "staging/{image}" }
  prod:
    targets:
      - { registry: eu.example.com, path: "prod/{image}" }
      - { registry: us.example.com, path: "prod/{image}" }
`
const { config } = parseConfig({ file: '/x/dray.yaml', content }, 'dray.yaml')

type Rule = Omit<ResidencyRule, 'path'>

function verdict(
  rules: readonly Rule[],
  [from, to]: readonly [string | undefined, string],
  {
    labels = [],
    otherwise = 'allow',
  }: { labels?: ImageLabels | undefined; otherwise?: 'allow' | 'deny' } = {},
): string {
  const policy: ResidencyPolicy = {
    default: otherwise,
    rules: rules.map((rule, i) => ({ ...rule, path: ['residency', 'rules', i] })),
  }
  const at = (text: string): RepositoryName => {
    if (text.startsWith('oci:')) return { registry: 'oci:', path: text.slice(4) }
    return { registry: text.slice(0, text.indexOf('/')), path: text.slice(text.indexOf('/') + 1) }
  }
  const write = { from: from === undefined ? undefined : at(from), to: at(to), labels }
  const found = evaluateResidency(compileResidency(config, policy), write)
  return found.kind === 'allowed' ? 'allowed' : found.rule
}

const staging = (image: string): string => `registry.example.com/staging/${image}`
const [eu, us] = ['eu.example.com/prod/customer-api', 'us.example.com/prod/customer-api']
const customers: Rule = { images: ['customer-*'], allow: ['eu.example.com/**'] }

describe('a rule by images', () => {
  it('allows the targets that it names, and no other', () => {
    expect(verdict([customers], [staging('customer-api'), eu])).toBe('allowed')
    expect(verdict([customers], [staging('customer-api'), us])).toBe('residency.rules[0]')
    expect(verdict([customers], [staging('web'), 'us.example.com/prod/web'])).toBe('allowed')
  })

  it('holds for a full reference, whatever the image is called at the target', () => {
    expect(verdict([customers], [staging('customer-api'), 'us.example.com/other/web'])).toBe(
      'residency.rules[0]',
    )
    expect(verdict([customers], ['registry.example.com/tmp/customer-api', 'us.example.com/x'])).toBe(
      'residency.rules[0]',
    )
    expect(verdict([customers], ['registry.example.com/tmp/x', us])).toBe('residency.rules[0]')
  })

  it('holds for an image layout as target, unless it is allowed', () => {
    expect(verdict([customers], [staging('customer-api'), 'oci:/tmp/out'])).toBe('residency.rules[0]')
    const withLayouts = { ...customers, allow: ['eu.example.com/**', 'oci:**'] }
    expect(verdict([withLayouts], [staging('customer-api'), 'oci:/tmp/out'])).toBe('allowed')
  })

  it('holds for a registry under another name of it', () => {
    const deny = { images: ['*'], deny: ['eu.example.com/**'] }
    expect(verdict([deny], [staging('web'), 'mirror.example.com/prod/web'])).toBe('residency.rules[0]')
    expect(verdict([customers], [staging('customer-api'), 'mirror.example.com/prod/customer-api'])).toBe(
      'allowed',
    )
  })
})

describe('several rules', () => {
  it('must all allow the target', () => {
    const other = { from: ['registry.example.com/staging/**'], allow: ['us.example.com/**'] }
    expect(verdict([customers, other], [staging('customer-api'), eu])).toBe('residency.rules[1]')
    expect(verdict([customers, other], [staging('customer-api'), us])).toBe('residency.rules[0]')
  })

  it('forbid the target if one denies it', () => {
    const deny = { deny: ['@prod/customer-*'] }
    expect(verdict([customers, deny], [staging('customer-api'), eu])).toBe('residency.rules[1]')
  })
})

describe('default: deny', () => {
  const options = { otherwise: 'deny' } as const
  const open = { images: ['public-*'], allow: ['us.example.com/**'] }

  it('forbids what no rule allows', () => {
    expect(verdict([], [staging('web'), eu], options)).toBe('residency.default')
    expect(verdict([open], [staging('web'), 'us.example.com/prod/web'], options)).toBe('residency.default')
    expect(verdict([{ images: ['web'], deny: [us] }], [staging('web'), eu], options)).toBe(
      'residency.default',
    )
    expect(verdict([open], [staging('public-web'), 'us.example.com/prod/public-web'], options)).toBe(
      'allowed',
    )
  })

  it('does not allow an image by its name at the target alone', () => {
    expect(verdict([open], [staging('web'), 'us.example.com/prod/public-web'], options)).toBe(
      'residency.default',
    )
    expect(verdict([open], ['oci:/in', 'us.example.com/prod/public-web'], options)).toBe('allowed')
  })

  it('does not report content that is there because of a rule by source', () => {
    const bySource = { from: ['registry.example.com/staging/**'], allow: ['eu.example.com/**'] }
    expect(verdict([bySource], [undefined, eu], options)).toBe('allowed')
    expect(verdict([bySource], [staging('web'), us], options)).toBe('residency.rules[0]')
    expect(verdict([bySource], ['oci:/in', eu], options)).toBe('residency.default')
  })
})

describe('a rule by labels', () => {
  const byLabel = { labels: { region: 'eu' }, allow: ['eu.example.com/**'] }
  const inEurope = [{}, { region: 'eu' }]

  it('holds if one image config has the labels', () => {
    expect(verdict([byLabel], [staging('web'), us], { labels: inEurope })).toBe('residency.rules[0]')
    expect(verdict([byLabel], [staging('web'), eu], { labels: inEurope })).toBe('allowed')
    expect(verdict([byLabel], [staging('web'), us], { labels: [{ region: 'us' }] })).toBe('allowed')
  })

  it('allows nothing, neither with the label nor when it was removed', () => {
    for (const labels of [inEurope, []])
      expect(verdict([byLabel], [staging('web'), eu], { labels, otherwise: 'deny' })).toBe(
        'residency.default',
      )
  })

  it('needs the labels only if it would forbid the target', () => {
    const needs = (to: string): string =>
      evaluateResidency(
        compileResidency(config, { default: 'allow', rules: [{ ...byLabel, path: ['residency'] }] }),
        { from: undefined, to: { registry: to, path: 'x' }, labels: undefined },
      ).kind
    expect(needs('us.example.com')).toBe('needsLabels')
    expect(needs('eu.example.com')).toBe('allowed')
  })

  it('is about own labels only', () => {
    const inherited = { labels: { toString: 'x' }, deny: ['us.example.com/**'] }
    expect(verdict([inherited], [staging('web'), us], { labels: [{}] })).toBe('allowed')
  })
})

it('labels and further rules only ever restrict', () => {
  const patterns = fc.subarray(['eu.example.com/**', 'us.example.com/**', 'oci:**', '@prod'], {
    minLength: 1,
  })
  const rule = fc.record(
    {
      images: fc.subarray(['customer-*', 'web', '*'], { minLength: 1 }),
      from: fc.constant(['@staging']),
      labels: fc.constantFrom({ region: 'eu' }, { team: 'a' }),
      allow: patterns,
      deny: patterns,
    },
    { requiredKeys: [] },
  )
  const write = fc.tuple(
    fc.constantFrom(staging('customer-api'), staging('web'), 'oci:/in'),
    fc.constantFrom(eu, us, 'oci:/out', 'us.example.com/x'),
  )
  const property = fc.property(
    fc.array(rule, { maxLength: 4 }),
    rule,
    write,
    fc.constantFrom<'allow' | 'deny'>('allow', 'deny'),
    fc.constantFrom({ region: 'eu' }, { team: 'a' }),
    (rules, more, ends, otherwise, labels) => {
      const isAllowed = (all: readonly Rule[], of: ImageLabels): boolean =>
        verdict(all, ends, { otherwise, labels: of }) === 'allowed'
      const allowed = isAllowed(rules, [labels])
      const withMore = otherwise === 'allow' && isAllowed([...rules, more], [labels])
      return (!allowed || isAllowed(rules, [])) && (!withMore || allowed)
    },
  )
  expect(fc.check(property)).toMatchObject({ failed: false })
})
