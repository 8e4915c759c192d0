import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GateDefinition } from '../../src/config/gates/gate.ts'
import { parseDigest } from '../../src/oci/digest.ts'
import {
  countReads,
  type GatedImage,
  isAllowed,
  readChanges,
  readsThatAllow,
  storesWith,
} from '../support/gates/allowed.ts'
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
import { decision, promotion } from '../support/gates/attached-statements.ts'
import { newSigner } from '../support/gates/test-signer.ts'
import { gateTrust } from '../support/gates/trust.ts'
import { image } from '../support/images.ts'
import { scannedImage } from '../support/gates/scanned-image.ts'

const [build, ada, bob, stranger] = [newSigner(), newSigner(), newSigner(), newSigner()]
const slsa = 'https://slsa.dev/provenance/v1'
const api = image({ label: 'api', layers: 1 })
const signed = signature(api, build)
const rejection = decision(api, bob, 'reject', '2026-11-28T11:00:00Z')

const needed = {
  signed,
  provenance: attestation(api, slsa, { builder: 'trusted' }, build),
  promotion: promotion(api, build, {
    time: '2026-11-26T12:00:00Z',
    evidence: [parseDigest(signed.root.digest)],
  }),
  ada: decision(api, ada, 'approve', '2026-11-28T10:00:00Z'),
  bob: decision(api, bob, 'approve', '2026-11-28T10:00:00Z', { as: 'old' }),
}

/** An image that is signed, attested, promoted and approved. */
const released: GatedImage & Kinds = {
  image: api,
  now: Date.parse('2026-11-28T12:00:00Z'),
  trust: gateTrust({ build }, { ada, bob }),
  gates: [
    signatureGate(),
    attestationGate({ expression: 'predicate.builder == "trusted"' }),
    soakGate(),
    approvalsGate({ count: 2 }),
    completenessGate(),
  ],
  rule: celGate('attestations.provenance.exists(p, p.predicate.builder == "trusted")'),
  needed: Object.keys(needed),
  hiding: ['rejection', 'recent'],
  attachable: {
    ...needed,
    rejection,
    recent: promotion(api, build, { time: '2026-11-28T11:00:00Z' }),
    foreignSignature: signature(api, stranger),
    replayedSignature: signature(api, build, { about: image({ label: 'other' }) }),
    otherBuilder: attestation(api, slsa, { builder: 'unknown' }, build),
    foreignApproval: decision(api, stranger, 'approve', '2026-11-28T10:00:00Z'),
    otherEnvironment: decision(api, ada, 'approve', '2026-11-28T10:30:00Z', { environment: 'staging' }),
  },
}

interface Kinds {
  /** a rule about the facts of the gates */
  readonly rule: GateDefinition
  /** the attached artifacts that the gates demand */
  readonly needed: readonly string[]
  /**
   * the newest evidence, which makes a gate fail: a person who can delete can hide it
   * (docs/gates/completeness.md)
   */
  readonly hiding: readonly string[]
}

const contentChanges: readonly ReadChange[] = [
  { kind: 'fail', code: 'corrupt' },
  { kind: 'fail', code: 'not-found' },
  { kind: 'flip' },
]

describe.each([
  ['released', released],
  ['scanned', scannedImage()],
] as const)('an image that is %s', (_name, gated: GatedImage & Kinds) => {
  const without = (names: readonly string[], name: string): readonly string[] =>
    names.filter((one) => one !== name)

  it('is promoted with everything that its gates demand', async () => {
    const all = { ...gated, gates: [...gated.gates, gated.rule] }
    expect(await isAllowed(all, storesWith(all, gated.needed))).toBe(true)
  })

  it.each(gated.needed)('is refused without %s', async (name) => {
    expect(await isAllowed(gated, storesWith(gated, without(gated.needed, name)))).toBe(false)
  })

  it('is refused by a rule about evidence that no gate of the environment verified', async () => {
    const ruled = { ...gated, gates: [gated.rule] }
    expect(await isAllowed(ruled, storesWith(ruled, gated.needed))).toBe(false)
  })

  it('is refused if any read fails', async () => {
    expect(await readsThatAllow(gated, gated.needed, [{ kind: 'fail', code: 'unavailable' }])).toEqual([])
  })

  it.each(gated.hiding)('is refused with %s, whichever content is missing or damaged', async (name) => {
    const names = [...gated.needed, name]
    expect(await isAllowed(gated, storesWith(gated, names))).toBe(false)
    expect(await readsThatAllow(gated, names, contentChanges)).toEqual([])
  })

  it('is not promoted because a read fails or a byte changes', async () => {
    const subsets = fc.subarray(Object.keys(gated.attachable))
    const changes = fc.constantFrom(...readChanges)
    const runs = fc.asyncProperty(subsets, fc.nat(), changes, async (names, random, change) => {
      fc.pre(!(await isAllowed(gated, storesWith(gated, names))))
      const at = random % (await countReads(gated, names))
      expect(await isAllowed(gated, changedReads(storesWith(gated, names), at, change).stores)).toBe(false)
    })
    await fc.assert(runs, { numRuns: 40, seed: 18 })
  })

  it('is not promoted because evidence is removed, except through the gap', async () => {
    const runs = fc.asyncProperty(
      fc.subarray(Object.keys(gated.attachable)),
      fc.nat(),
      async (names, random) => {
        fc.pre(names.length > 0 && !(await isAllowed(gated, storesWith(gated, names))))
        const removed = names[random % names.length] ?? ''
        fc.pre(!gated.hiding.includes(removed))
        expect(await isAllowed(gated, storesWith(gated, without(names, removed)))).toBe(false)
      },
    )
    await fc.assert(runs, { numRuns: 40, seed: 18 })
  })
})

describe('the gap for a person who can delete', () => {
  it.each([
    ['rejection', [approvalsGate({ count: 2 })]],
    ['recent', [soakGate()]],
  ] as const)('is the newest evidence: %s', async (name, gates) => {
    const gated = { ...released, gates }
    expect(await isAllowed(gated, storesWith(gated, [...gated.needed, name]))).toBe(false)
    expect(await isAllowed(gated, storesWith(gated, gated.needed))).toBe(true)
  })

  it('is closed by completeness for evidence that a promotion lists', async () => {
    const evidence = [parseDigest(rejection.root.digest)]
    const listing = promotion(api, build, { time: '2026-11-26T12:00:00Z', evidence })
    const gates = [approvalsGate({ count: 2 }), completenessGate()]
    const gated = { ...released, gates, attachable: { ...released.attachable, listing } }
    const names = ['ada', 'bob', 'listing']
    expect(await isAllowed(gated, storesWith(gated, [...names, 'rejection']))).toBe(false)
    expect(await isAllowed(gated, storesWith(gated, names))).toBe(false)
    const open = { ...gated, gates: [approvalsGate({ count: 2 })] }
    expect(await isAllowed(open, storesWith(open, names))).toBe(true)
  })
})
