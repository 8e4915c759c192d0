import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { canonicalJson } from '../../src/plan/canonical-json.ts'
import { formatPlanFile, parsePlanFile } from '../../src/plan/plan-file.ts'
import { hashOfPlan } from '../../src/plan/plan-hash.ts'
import type { Plan, Step } from '../../src/plan/plan.ts'

const root = { mediaType: mediaTypes.manifest, digest: digestOf('root'), size: 100 }
const from = { registry: 'r.example', path: 'staging/api' }
const to = { registry: 'r.example', path: 'prod/api' }
const base = { placement: 'i1.t1', expect: [] } as const
const plan: Plan = {
  schema: 'dray.plan/1',
  operation: 'promote',
  createdAt: '2026-01-02T03:04:05.000Z',
  tool: '0.1.0',
  policy: 'sha256:0',
  placements: [
    {
      id: 'i1.t1',
      image: 'api:1.4.2',
      from: { environment: 'staging', repository: from, tag: '1.4.2' },
      to: { environment: 'prod', repository: to },
      root,
      tags: [{ tag: '1.4.2', before: null, change: 'create' }],
      evidence: { found: 1, missing: 1 },
      size: 1000,
    },
  ],
  steps: [
    { ...base, id: 'c', after: [], kind: 'copy', root, from, to, rootBy: 'digest' },
    {
      ...base,
      id: 'e',
      after: ['c'],
      kind: 'attach',
      subject: root.digest,
      manifest: root,
      from,
      to,
      via: 'subject',
    },
    {
      ...base,
      id: 'g',
      after: ['c', 'e'],
      expect: [{ kind: 'tag', repository: to, tag: '1.4.2', digest: null }],
      kind: 'tag',
      repository: to,
      tag: '1.4.2',
      target: root,
      from,
    },
  ],
  refusals: [{ image: 'web:1', error: { code: 'not-found', message: 'web:1 is not there' } }],
}

const read = (text: string): Plan => parsePlanFile(text, 'p.json') as Plan

/** The plan of a calendar version of a variant, which has all keys about versions. */
const ofVariant = (): Plan => {
  const [placement] = plan.placements
  const tag = '2024.04.1-alpine'
  const reading = { scheme: 'calver', variants: ['alpine'], ignoreVersions: ['nightly-*'] } as const
  const step = (name: string, more: Step['expect']): Step => ({
    ...base,
    id: name,
    after: [],
    expect: [{ kind: 'tag', repository: to, tag: name, digest: null }, ...more],
    kind: 'tag',
    repository: to,
    tag: name,
    target: root,
    from,
  })
  return {
    ...plan,
    placements:
      placement === undefined
        ? []
        : [
            {
              ...placement,
              tags: [
                { tag, before: null, change: 'create', readAs: 'version 2024.04.1 of the variant alpine' },
                { tag: 'alpine', before: null, change: 'create', reason: 'highest alpine' },
              ],
              evidence: { found: 0, missing: 0 },
            },
          ],
    steps: [
      step(tag, []),
      step('alpine', [
        {
          kind: 'highest',
          repository: to,
          line: { variant: 'alpine' },
          version: tag,
          buildMetadata: false,
          ...reading,
        },
      ]),
    ],
  }
}

it('a plan keeps how the tags of its repositories are read', () => {
  expect(read(formatPlanFile(ofVariant()))).toEqual(ofVariant())
})

const edited = (edit: (plan: Record<string, unknown>) => void): string => {
  const value = JSON.parse(formatPlanFile(plan)) as Record<string, unknown>
  edit(value)
  return JSON.stringify(value)
}
/** An edit by someone who computes a fitting hash. */
const forged = (edit: (plan: Record<string, unknown>) => void): string =>
  edited((value) => {
    edit(value)
    const { hash: _, ...rest } = value
    value['hash'] = digestOf(canonicalJson(rest))
  })

type Edit = [string, (value: Record<string, unknown>) => void]

/** Everywhere in the plan, in place. */
function replace(value: Record<string, unknown>, old: unknown, by: unknown): void {
  const text = JSON.stringify(value).replaceAll(JSON.stringify(old), () => JSON.stringify(by))
  Object.assign(value, JSON.parse(text))
}

const elsewhere = { registry: 'r.example', path: 'prod/web' }
const cosign = root.digest.replace(':', '-').concat('.sig')

/** Steps that do something else than the placement shows. */
const stepEdits: readonly [string, (step: Step) => unknown][] = [
  ['a copy to another repository', (step) => (step.kind === 'copy' ? { ...step, to: elsewhere } : step)],
  ['a copy from another repository', (step) => (step.kind === 'copy' ? { ...step, from: elsewhere } : step)],
  [
    'a copy of another image',
    (step) => (step.kind === 'copy' ? { ...step, root: { ...root, digest: digestOf('other') } } : step),
  ],
  [
    'a tag in another repository',
    (step) => (step.kind === 'tag' ? { ...step, repository: elsewhere } : step),
  ],
  ['a tag that is not shown', (step) => (step.kind === 'tag' ? { ...step, tag: 'latest' } : step)],
  [
    'a tag for another image',
    (step) => (step.kind === 'tag' ? { ...step, target: { ...root, digest: digestOf('other') } } : step),
  ],
  ['a tag without a precondition', (step) => (step.kind === 'tag' ? { ...step, expect: [] } : step)],
  [
    'a tag with another precondition than the shown one',
    (step) =>
      step.kind === 'tag'
        ? { ...step, expect: [{ kind: 'tag', repository: to, tag: '1.4.2', digest: root.digest }] }
        : step,
  ],
  [
    'evidence under a tag that is not an evidence tag',
    (step) => (step.kind === 'attach' ? attachedUnder(step, 'latest') : step),
  ],
  [
    'evidence under the evidence tag of another subject',
    (step) => (step.kind === 'attach' ? attachedUnder(step, cosign.replace(/[0-9a-f]/g, '0')) : step),
  ],
  [
    'evidence under a tag without a precondition',
    (step) => (step.kind === 'attach' ? { ...step, via: 'tag', tag: cosign } : step),
  ],
  ['evidence without a tag', (step) => (step.kind === 'attach' ? { ...step, via: 'tag' } : step)],
]

function attachedUnder(step: Step, tag: string): unknown {
  return { ...step, via: 'tag', tag, expect: [{ kind: 'tag', repository: to, tag, digest: null }] }
}

describe('a plan file', () => {
  it('reads back as the plan that was written, with the same hash', () => {
    expect(read(formatPlanFile(plan))).toEqual(plan)
    expect(hashOfPlan(read(formatPlanFile(plan)))).toBe(hashOfPlan(plan))
    // A copy has no hash of a file, so this one is computed from the content.
    expect(hashOfPlan({ ...read(formatPlanFile(plan)) })).toBe(hashOfPlan(plan))
  })

  it('is the same plan with other white space and another order of keys', () => {
    const reversed = (_: string, value: unknown): unknown =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).toReversed())
        : value
    expect(read(JSON.stringify(JSON.parse(formatPlanFile(plan)), reversed))).toEqual(plan)
  })

  it('of an earlier version is read with the new names, and keeps its hash', () => {
    const kept = [{ tag: 'latest', at: root.digest, reason: '1.5.0 is higher' }]
    const [one] = plan.placements
    const old = { ...plan, placements: [{ ...one, held: kept }] }
    const saved = digestOf(canonicalJson(old))
    const signed: string[] = []
    const text = JSON.stringify({ ...old, hash: saved, signature: {} })
    const found = parsePlanFile(text, 'p.json', (canonical) => signed.push(canonical)) as Plan
    expect(signed).toEqual([canonicalJson(old)])
    expect(found).toEqual({ ...plan, placements: [{ ...one, keptTags: kept }] })
    expect(hashOfPlan(found)).toBe(saved)
  })

  it('is refused with an old name and the new one', () => {
    const both = forged((value) => {
      const [one] = value['placements'] as Record<string, unknown>[]
      Object.assign(one ?? {}, { held: [], keptTags: [] })
    })
    expect(() => read(both)).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('is refused after an edit', () => {
    const moved = formatPlanFile(plan).replaceAll('prod/api', 'prod/web')
    expect(() => read(moved)).toThrow(expect.objectContaining({ code: 'refused', hint: expect.any(String) }))
  })

  it('is refused without its hash', () => {
    expect(() => read(edited((value) => delete value['hash']))).toThrow(
      expect.objectContaining({ code: 'refused' }),
    )
  })

  it('of another version is refused with that version', () => {
    const later = edited((value) => (value['schema'] = 'dray.plan/2'))
    expect(() => read(later)).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })

  it.each(['', 'cve-'])('may have evidence under its own tag "%s…", and layouts on both sides', (prefix) => {
    const tag = `${prefix}${cosign}`
    const steps = plan.steps.map((step) => (step.kind === 'attach' ? attachedUnder(step, tag) : step))
    const moved = forged((value) => {
      value['steps'] = steps
      replace(value, to, { registry: 'oci:', path: '/tmp/out put' })
      replace(value, from, { registry: 'oci:', path: '/' })
    })
    expect(read(moved).steps).toHaveLength(3)
  })

  it.each(['', '{', '[]', '{"schema":"dray.audit/1"}', '{"schema":1}', 'null'])(
    'is refused if it is %j',
    (text) => {
      expect(() => read(text)).toThrow(expect.objectContaining({ code: 'malformed' }))
    },
  )

  it.each<Edit>([
    ['an unknown key', (value) => (value['extra'] = 1)],
    [
      'an invalid digest',
      (value) => (value['placements'] = [{ ...plan.placements[0], root: { ...root, digest: 'sha256:1' } }]),
    ],
    [
      'a path with ..',
      (value) => (value['steps'] = [{ ...plan.steps[0], to: { registry: 'r', path: '../x' } }]),
    ],
    ['a step twice', (value) => (value['steps'] = [plan.steps[0], plan.steps[0]])],
    ['a cycle', (value) => (value['steps'] = [{ ...plan.steps[0], after: ['c'] }])],
    ['a placement twice', (value) => (value['placements'] = [plan.placements[0], plan.placements[0]])],
    ...[
      'a/b',
      'user:secret@r.example',
      'r.example/v2/x?',
      'r.example#',
      '..',
      '',
      'R example',
      'index.docker.io',
    ].map((registry): Edit => [
      `a registry called ${JSON.stringify(registry)}`,
      (value) => replace(value, 'r.example', registry),
    ]),
    ...['', 'out', './out', '/tmp/../etc', '/tmp/\0'].map((path): Edit => [
      `a layout at ${JSON.stringify(path)}`,
      (value) => replace(value, to, { registry: 'oci:', path }),
    ]),
    ...stepEdits.map(([what, edit]): Edit => [
      what,
      (value) => (value['steps'] = plan.steps.map((step) => edit(step))),
    ]),
    ['a tag that is unchanged and is created', (value) => replace(value, 'create', 'unchanged')],
    ['a step without a placement', (value) => (value['placements'] = [])],
  ])('is refused with %s, whatever its hash', (_, edit) => {
    expect(() => read(forged(edit))).toThrow(expect.objectContaining({ code: 'malformed' }))
  })
})
