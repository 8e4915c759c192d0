import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../src/lib/errors.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import type { RepositoryName } from '../../../src/oci/reference.ts'
import { formatPlanFile, parsePlanFile } from '../../../src/plan/plan-file.ts'
import type { Plan } from '../../../src/plan/plan.ts'
import { decide, type PromotePolicy } from '../../../src/usecases/promote/decide.ts'
import type { Gathered } from '../../../src/usecases/promote/gather.ts'
import type { PromoteRequest } from '../../../src/usecases/promote/request.ts'
import type { PromoteSnapshot, PromoteTarget } from '../../../src/usecases/promote/snapshot.ts'
import type { Evidence } from '../../../src/images/evidence/evidence.ts'
import type { Graph } from '../../../src/images/graph/graph.ts'

const now = new Date('2026-01-02T03:04:05.000Z')
const staging: RepositoryName = { registry: 'r.example', path: 'staging/api' }
const prod: RepositoryName = { registry: 'r.example', path: 'prod/api' }
const eu: RepositoryName = { registry: 'eu.example', path: 'prod/api' }
const other: Digest = digestOf('other')

function graphOf(
  name: string,
  layers: readonly { digest: Digest; annotations?: Record<string, string> }[] = [],
): Graph {
  const root = { mediaType: mediaTypes.manifest, digest: digestOf(name), size: 10 }
  const config = { mediaType: mediaTypes.config, digest: digestOf(`${name} config`), size: 5 }
  const layerDescriptors = layers.map((layer) => ({ mediaType: 'application/x', size: 1, ...layer }))
  const manifest = { kind: 'manifest', mediaType: root.mediaType, config, layers: layerDescriptors } as const
  return { root, nodes: [{ descriptor: root, manifest }], blobs: [config], size: 15, missing: [] }
}

function referrerOf(subject: Digest, name = `signature of ${subject}`): Evidence {
  const graph = graphOf(name)
  return { subject, manifest: graph.root, via: 'subject', graph }
}

function cosignOf(subject: Digest, signatures: readonly string[]): Evidence {
  const payload = digestOf('payload')
  const graph = graphOf(
    `cosign ${signatures.join()}`,
    signatures.map((signature) => ({ digest: payload, annotations: { signature } })),
  )
  return { subject, manifest: graph.root, via: 'tag', tag: subject.replace(':', '-').concat('.sig'), graph }
}

function piece(signature: string): string {
  return JSON.stringify([digestOf('payload'), [['signature', signature]]])
}

const api = graphOf('api')

interface World {
  readonly tags?: readonly string[]
  readonly request?: Partial<PromoteRequest>
  readonly evidence?: readonly Evidence[]
  readonly targets?: readonly (Partial<PromoteTarget> & { readonly repository: RepositoryName })[]
}

function world({
  tags = ['1.4.2'],
  request = {},
  evidence = [],
  targets = [{ repository: prod }],
}: World = {}): Gathered {
  const snapshot: PromoteSnapshot = {
    request: {
      image: 'api:1.4.2',
      from: { environment: 'staging', repository: staging, at: { tag: '1.4.2' } },
      to: { environment: 'prod', accepts: ['staging'], targets: targets.map((t) => t.repository) },
      tags,
      ...request,
    },
    readSince: 0,
    source: { root: api.root, graph: api, evidence },
    targets: targets.map((target) => ({
      kind: 'read',
      rootByDigest: false,
      tags: new Map(tags.map((tag) => [tag, null])),
      referrers: new Map(),
      evidenceTags: new Map(),
      damaged: new Set(),
      ...target,
    })),
  }
  return { kind: 'read', snapshot }
}

const policy: PromotePolicy = {
  operation: 'promote',
  moveTags: false,
  evidenceConflict: 'refuse',
  partial: false,
  hash: 'sha256:policy',
  tool: '0.0.0',
}

/** Whatever is planned can be saved and read back. */
function plan(what: World = {}, with_: Partial<PromotePolicy> = {}): Plan {
  const made = decide([world(what)], { ...policy, ...with_ }, now)
  expect(parsePlanFile(formatPlanFile(made), 'plan.json')).toEqual(made)
  return made
}
const kinds = (what: World, with_: Partial<PromotePolicy> = {}): string[] =>
  plan(what, with_).steps.map((step) => step.kind)

describe('what is planned for an image', () => {
  it('one tag, no evidence, one target: the content, and the root under its tag in one PUT', () => {
    const { steps, placements } = plan()
    expect(steps).toMatchObject([
      { kind: 'copy', rootBy: 'tag', from: staging, to: prod, after: [] },
      {
        kind: 'tag',
        tag: '1.4.2',
        target: { digest: api.root.digest },
        after: ['i1.t1.c'],
        expect: [{ digest: null }],
      },
    ])
    expect(placements).toMatchObject([{ tags: [{ tag: '1.4.2', before: null, change: 'create' }], size: 15 }])
  })

  it('all is so already: no step', () => {
    expect(kinds({ targets: [{ repository: prod, tags: new Map([['1.4.2', api.root.digest]]) }] })).toEqual(
      [],
    )
  })

  it('the image is there and its evidence is not: only the evidence', () => {
    const tags = new Map([['1.4.2', api.root.digest]])
    const evidence = [referrerOf(api.root.digest)]
    expect(kinds({ evidence, targets: [{ repository: prod, tags }] })).toEqual(['attach'])
  })

  it('evidence that is there is not attached again', () => {
    const signature = referrerOf(api.root.digest)
    const there = {
      repository: prod,
      tags: new Map([['1.4.2', api.root.digest]]),
      referrers: new Map([[api.root.digest, new Set([signature.manifest.digest])]]),
    }
    expect(kinds({ evidence: [signature], targets: [there] })).toEqual([])
  })

  it('evidence comes after what it speaks of and before every tag', () => {
    const sbom = referrerOf(api.root.digest, 'sbom')
    const signed = referrerOf(sbom.manifest.digest, 'signature of the sbom')
    const { steps } = plan({ evidence: [sbom, signed] })
    expect(steps.map((step) => [step.kind, step.after])).toEqual([
      ['copy', []],
      ['attach', ['i1.t1.c']],
      ['attach', ['i1.t1.c', 'i1.t1.e1']],
      ['tag', ['i1.t1.c', 'i1.t1.e1', 'i1.t1.e2']],
    ])
    expect(steps[0]).toMatchObject({ rootBy: 'digest' })
  })

  it('a root with something missing below it is copied again though its tag is right', () => {
    const there = { tags: new Map([['1.4.2', api.root.digest]]), damaged: new Set([api.root.digest]) }
    expect(plan({ targets: [{ repository: prod, ...there }] }).steps).toMatchObject([
      { kind: 'copy', rootBy: 'digest', repair: true },
    ])
  })

  it('without a tag the content alone, and nothing where it is there by its digest', () => {
    expect(kinds({ tags: [] })).toEqual(['copy'])
    const there = [{ repository: prod, rootByDigest: true }]
    expect(kinds({ tags: [], targets: there })).toEqual([])
    expect(kinds({ tags: [], targets: there, evidence: [referrerOf(api.root.digest)] })).toEqual(['attach'])
  })

  it('evidence with something missing is put again also where the target is the source', () => {
    const signature = referrerOf(api.root.digest)
    const request = { from: { repository: prod, at: { tag: 'candidate' } }, to: { targets: [prod] } }
    const targets = [{ repository: prod, damaged: new Set([signature.manifest.digest]) }]
    expect(kinds({ request, evidence: [signature], targets })).toEqual(['attach', 'tag'])
  })

  it('a tag within one repository needs no copy', () => {
    const request = { from: { repository: prod, at: { tag: 'candidate' } }, to: { targets: [prod] } }
    expect(kinds({ request, tags: ['1.4.2'] })).toEqual(['tag'])
  })

  it('exact versions first, then the others, latest last', () => {
    const { steps } = plan({ tags: ['latest', '1.4', '1.4.2', '1'] })
    expect(steps.flatMap((step) => (step.kind === 'tag' ? [step.tag] : []))).toEqual([
      '1.4.2',
      '1.4',
      '1',
      'latest',
    ])
  })
})

describe('several targets', () => {
  const targets = [{ repository: eu }, { repository: prod }]

  it('no tag moves before every target has all of the content', () => {
    const { steps } = plan({ targets })
    const content = steps.filter((step) => step.kind === 'copy').map((step) => step.id)
    const tags = steps.filter((step) => step.kind === 'tag')
    expect(content).toHaveLength(2)
    expect(tags).toHaveLength(2)
    for (const tag of tags) expect(tag.after).toEqual(content)
  })

  it('with partial each waits only for its own', () => {
    const tags = plan({ targets }, { partial: true }).steps.filter((step) => step.kind === 'tag')
    expect(tags.map((step) => step.after)).toEqual([['i1.t1.c'], ['i1.t2.c']])
  })

  it('a refusal at one holds back the image everywhere, unless partial', () => {
    const refused = { repository: eu, tags: new Map([['1.4.2', other]]) }
    const what = { targets: [refused, { repository: prod }] }
    expect(kinds(what)).toEqual([])
    expect(plan(what, { partial: true }).steps.map((step) => step.placement)).toEqual(['i1.t2', 'i1.t2'])
  })
})

describe('what is refused', () => {
  const taken = [{ repository: prod, tags: new Map([['1.4.2', other]]) }]
  const refusals = (what: World, with_: Partial<PromotePolicy> = {}) =>
    plan(what, with_).refusals.map((r) => r.error)

  it('an exact version that is on another digest', () => {
    expect(refusals({ targets: taken })).toMatchObject([
      { code: 'refused', subject: 'r.example/prod/api:1.4.2' },
    ])
    expect(kinds({ targets: taken })).toEqual([])
  })

  it('… but not with moveTags, and the plan expects what it saw', () => {
    const { steps, placements } = plan({ targets: taken }, { moveTags: true })
    expect(placements[0]?.tags).toEqual([
      { tag: '1.4.2', before: other, change: 'move', override: 'moveTag' },
    ])
    expect(steps.at(-1)?.expect).toMatchObject([{ digest: other }])
  })

  it.each(['v1.4.2', '1.4.2-rc.1'])('… and %s is an exact version too', (tag) => {
    const targets = [{ repository: prod, tags: new Map([[tag, other]]) }]
    expect(refusals({ tags: [tag], targets })).toHaveLength(1)
  })

  it.each(['latest', '1.4', '1', 'stable', '20260101'])('the plain tag %s moves', (tag) => {
    const targets = [{ repository: prod, tags: new Map([[tag, other]]) }]
    expect(refusals({ tags: [tag], targets })).toEqual([])
    expect(kinds({ tags: [tag], targets })).toEqual(['copy', 'tag'])
  })

  it('another digest than the expected one', () => {
    expect(refusals({ request: { expect: other } })).toMatchObject([
      { code: 'refused', why: expect.stringContaining(other) },
    ])
  })

  it.each([['dev'], [undefined]])('an image from %s where only staging is accepted', (environment) => {
    const from = {
      ...(environment !== undefined && { environment }),
      repository: staging,
      at: { tag: '1.4.2' },
    }
    expect(refusals({ request: { from } })).toMatchObject([
      { code: 'refused', why: 'its promoteFrom is [staging]' },
    ])
  })

  it('two images of a batch under one tag, whatever the order', () => {
    const web = graphOf('web')
    const [one, another] = [world(), world({ request: { image: 'web:1.4.2' } })]
    if (another.kind !== 'read') throw new Error('it was read')
    const { snapshot } = another
    const both = [
      one,
      { ...another, snapshot: { ...snapshot, source: { root: web.root, graph: web, evidence: [] } } },
    ]
    for (const gathered of [both, both.toReversed()]) {
      const decided = decide(gathered, policy, now)
      expect(decided.steps).toEqual([])
      expect(decided.refusals.map(({ placement, error }) => [placement, error.code])).toEqual([
        ['i1.t1', 'refused'],
        ['i2.t1', 'refused'],
      ])
    }
  })

  it('… but the same image by two names is one image', () => {
    const again = world({ request: { image: 'api:latest' } })
    expect(decide([world(), again], policy, now).refusals).toEqual([])
  })

  it('a target that cannot be read: all of them wait, or with partial the others go', () => {
    const gathered = world({ targets: [{ repository: eu }, { repository: prod }] })
    if (gathered.kind !== 'read') throw new Error('it was read')
    const { snapshot } = gathered
    const [, good] = snapshot.targets
    if (good === undefined) throw new Error('two targets')
    const error = new DrayError('unavailable', 'it is down')
    const half: Gathered = {
      kind: 'read',
      snapshot: { ...snapshot, targets: [{ kind: 'unread', repository: eu, error }, good] },
    }
    const strict = decide([half], policy, now)
    expect(strict.steps).toEqual([])
    expect(strict.refusals).toMatchObject([{ placement: 'i1.t1', error: { code: 'unavailable' } }])
    const partial = decide([half], { ...policy, partial: true }, now)
    expect(partial.steps.map((step) => step.placement)).toEqual(['i1.t2', 'i1.t2'])
  })

  it('one image of a batch, and the others go', () => {
    const unread: Gathered = {
      kind: 'unread',
      unread: {
        request: { ...requestOf(world()), image: 'web:2' },
        error: new DrayError('not-found', 'web:2 is not there'),
      },
    }
    const both = decide([unread, world()], policy, now)
    expect(both.refusals).toMatchObject([{ image: 'web:2', error: { code: 'not-found' } }])
    expect(both.steps.map((step) => step.kind)).toEqual(['copy', 'tag'])
  })
})

describe('a cosign tag that differs at the target', () => {
  const subject = api.root.digest
  const at = (...signatures: string[]) => {
    const digest = digestOf(`there ${signatures.join()}`)
    const tag = subject.replace(':', '-').concat('.sig')
    return [{ repository: prod, evidenceTags: new Map([[tag, { digest, entries: signatures.map(piece) }]]) }]
  }

  it('moves where the source carries all of it', () => {
    const { steps } = plan({ evidence: [cosignOf(subject, ['a', 'b'])], targets: at('a') })
    expect(steps.map((step) => step.kind)).toEqual(['copy', 'attach', 'tag'])
    expect(steps[1]?.expect).toMatchObject([{ digest: digestOf('there a') }])
  })

  it('stays where it carries all of the source', () => {
    expect(kinds({ evidence: [cosignOf(subject, ['a'])], targets: at('a', 'b') })).toEqual(['copy', 'tag'])
  })

  it('is a conflict where each has a signature of its own', () => {
    const what = { evidence: [cosignOf(subject, ['a', 'b'])], targets: at('b', 'c') }
    expect(plan(what).refusals).toMatchObject([{ error: { code: 'conflict' } }])
    expect(kinds(what)).toEqual([])
    expect(kinds(what, { evidenceConflict: 'keep' })).toEqual(['copy', 'tag'])
    expect(kinds(what, { evidenceConflict: 'replace' })).toEqual(['copy', 'attach', 'tag'])
  })
})

function requestOf(gathered: Gathered): PromoteRequest {
  return gathered.kind === 'read' ? gathered.snapshot.request : gathered.unread.request
}
