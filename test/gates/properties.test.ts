import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GateDefinition } from '../../src/config/gates/gate.ts'
import type { GateRequest } from '../../src/gates/gate-request.ts'
import { judge } from '../../src/gates/judge.ts'
import type { Repositories } from '../../src/images/ports.ts'
import type { ErrorCode } from '../../src/lib/errors.ts'
import { parseDescriptor, type Descriptor } from '../../src/oci/descriptor.ts'
import { parseDigest } from '../../src/oci/digest.ts'
import { newCall } from '../registry/client/world.ts'
import { attestation, signature } from '../support/gates/attached.ts'
import { changedReads, type ReadChange } from '../support/gates/changed-reads.ts'
import {
  approvalsGate,
  attestationGate,
  celGate,
  completenessGate,
  signatureGate,
  soakGate,
} from '../support/gates/definitions.ts'
import { decision, promotion } from '../support/gates/evidence-pieces.ts'
import { memoryStores } from '../support/gates/memory-stores.ts'
import { newSigner } from '../support/gates/test-signer.ts'
import { gateTrust } from '../support/gates/trust.ts'
import { type Content, image, together } from '../support/images.ts'

const now = Date.parse('2026-11-28T12:00:00Z')
const slsa = 'https://slsa.dev/provenance/v1'
const [build, ada, bob, stranger] = [newSigner(), newSigner(), newSigner(), newSigner()]
const trust = gateTrust({ build }, { ada, bob })
const api = image({ label: 'api', layers: 1 })
const other = image({ label: 'other' })

const gates: readonly GateDefinition[] = [
  signatureGate(),
  attestationGate({ expression: 'predicate.builder == "trusted"' }),
  soakGate(),
  approvalsGate({ count: 2 }),
  completenessGate(),
  celGate('attestations.provenance.exists(p, p.predicate.builder == "trusted")'),
]

const signed = signature(api, build)
const rejection = decision(api, bob, 'reject', '2026-11-28T11:00:00Z')
const recent = promotion(api, build, { time: '2026-11-28T11:00:00Z' })

/** Everything that the gates demand, each needed. */
const needed: Readonly<Record<string, Content>> = {
  signed,
  provenance: attestation(api, slsa, { builder: 'trusted' }, build),
  promotion: promotion(api, build, {
    time: '2026-11-26T12:00:00Z',
    evidence: [parseDigest(signed.root.digest)],
  }),
  ada: decision(api, ada, 'approve', '2026-11-28T10:00:00Z'),
  bob: decision(api, bob, 'approve', '2026-11-28T10:00:00Z', { as: 'old' }),
}

/** Evidence that helps nobody, or that makes a gate fail. */
const others: Readonly<Record<string, Content>> = {
  foreignSignature: signature(api, stranger),
  replayedSignature: signature(api, build, { about: other }),
  otherBuilder: attestation(api, slsa, { builder: 'unknown' }, build),
  foreignApproval: decision(api, stranger, 'approve', '2026-11-28T10:00:00Z'),
  otherEnvironment: decision(api, ada, 'approve', '2026-11-28T10:30:00Z', { environment: 'staging' }),
  rejection,
  recent,
}

/** What a person who can delete can hide: the newest decides (gates.md, Completeness). */
const gap: ReadonlySet<string> = new Set(['rejection', 'recent'])
const pieces = { ...needed, ...others }

function contentOf(names: readonly string[]): Content {
  return together(api, ...names.flatMap((name) => pieces[name] ?? []))
}

/** Whether the image may be promoted: no gate refuses it. A gate that is not evaluated refuses. */
async function isAllowed(
  stores: Repositories,
  root: Descriptor = parseDescriptor(api.root, 'the image'),
  demanded: readonly GateDefinition[] = gates,
): Promise<boolean> {
  const request: GateRequest = {
    root,
    from: { repository: { registry: 'registry.test', path: 'staging/api' }, tag: '1.4.2' },
    to: { environment: 'prod', repository: { registry: 'registry.test', path: 'prod/api' } },
    operation: 'promote',
    gates: demanded.map((gate) => ({ gate, image: 'api' })),
  }
  const ports = {
    stores,
    trust,
    clock: { now: () => now, sleep: async () => undefined },
    actors: ['github:eve'],
    overrides: new Map<string, string>(),
    reportFiles: [],
    environmentsOf: () => ['staging'],
    currentTagOf: () => [],
  }
  const results = await judge(request, ports, newCall())
  return results.length === demanded.length && results.every(({ effect }) => effect === 'none')
}

const storesOf = (names: readonly string[]): Repositories => memoryStores(contentOf(names), '1.4.2')
const everything = Object.keys(needed)
const codes: readonly ErrorCode[] = [
  'unavailable',
  'forbidden',
  'unauthorized',
  'network',
  'corrupt',
  'not-found',
]
const changes: readonly ReadChange[] = [
  ...codes.map((code): ReadChange => ({ kind: 'fail', code })),
  { kind: 'flip' },
]

describe('an image with everything that its gates demand', () => {
  it('is promoted', async () => {
    expect(await isAllowed(storesOf(everything))).toBe(true)
  })

  it.each(everything)('is refused without %s', async (name) => {
    expect(await isAllowed(storesOf(everything.filter((one) => one !== name)))).toBe(false)
  })

  it.each(['rejection', 'recent'])('is refused with %s', async (name) => {
    expect(await isAllowed(storesOf([...everything, name]))).toBe(false)
  })

  it('is refused if any read fails with any error but that of a list that a user may not see', async () => {
    const reads = changedReads(storesOf(everything), -1, { kind: 'flip' })
    await isAllowed(reads.stores)
    for (let at = 0; at < reads.count(); at++) {
      for (const code of ['unavailable', 'network'] as const) {
        const { stores } = changedReads(storesOf(everything), at, { kind: 'fail', code })
        expect(await isAllowed(stores), `read ${at}: ${code}`).toBe(false)
      }
    }
  })
})

describe('a refusal', () => {
  const subsets = fc.subarray(Object.keys(pieces))

  it('never becomes a promotion because a read fails or a byte changes', async () => {
    const runs = fc.asyncProperty(
      subsets,
      fc.nat(),
      fc.constantFrom(...changes),
      async (names, random, change) => {
        const reads = changedReads(storesOf(names), -1, change)
        fc.pre(!(await isAllowed(reads.stores)))
        const at = random % Math.max(1, reads.count())
        expect(await isAllowed(changedReads(storesOf(names), at, change).stores)).toBe(false)
      },
    )
    await fc.assert(runs, { numRuns: 150, seed: 18 })
  })

  it('never becomes a promotion because evidence is removed, except through the gap', async () => {
    const runs = fc.asyncProperty(subsets, fc.nat(), async (names, random) => {
      fc.pre(names.length > 0 && !(await isAllowed(storesOf(names))))
      const removed = names[random % names.length] ?? ''
      fc.pre(!gap.has(removed))
      expect(await isAllowed(storesOf(names.filter((name) => name !== removed)))).toBe(false)
    })
    await fc.assert(runs, { numRuns: 150, seed: 18 })
  })
})

describe('the gap for a person who can delete', () => {
  it.each([
    ['rejection', approvalsGate({ count: 2 })],
    ['recent', soakGate()],
  ] as const)('is the newest evidence: %s', async (name, gate) => {
    const root = parseDescriptor(api.root, 'the image')
    expect(await isAllowed(storesOf([...everything, name]), root, [gate])).toBe(false)
    expect(await isAllowed(storesOf(everything), root, [gate])).toBe(true)
  })

  it('is closed by completeness for evidence that a promotion lists', async () => {
    const listing = promotion(api, build, {
      time: '2026-11-26T12:00:00Z',
      evidence: [parseDigest(rejection.root.digest)],
    })
    const root = parseDescriptor(api.root, 'the image')
    const demanded = [approvalsGate({ count: 2 }), completenessGate()]
    const approved = [needed['ada'] ?? api, needed['bob'] ?? api, listing]
    const at = (content: Content): Repositories => memoryStores(content, '1.4.2')
    expect(await isAllowed(at(together(api, ...approved, rejection)), root, demanded)).toBe(false)
    expect(await isAllowed(at(together(api, ...approved)), root, demanded)).toBe(false)
    expect(await isAllowed(at(together(api, ...approved)), root, [approvalsGate({ count: 2 })])).toBe(true)
  })
})
