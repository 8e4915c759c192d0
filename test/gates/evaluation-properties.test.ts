import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GateDefinition } from '../../src/config/gates/gate.ts'
import type { AttachedEvidence } from '../../src/gates/evidence.ts'
import { severities } from '../../src/reports/vulnerability.ts'
import { attestationGate, sbomGate, scanGate, signatureGate } from '../support/gates/definitions.ts'
import {
  amd64,
  arm64,
  type Attached,
  day,
  elsewhere,
  evaluate,
  hour,
  index,
  judgedImage,
  now,
  signature,
  statement,
  unreadable,
} from '../support/gates/judged-image.ts'
import { critical, grype, scanned, trivy, vex } from '../support/gates/scan-reports.ts'

const provenanceType = 'https://slsa.dev/provenance/v1'
const isGood = 'predicate.good == true'

const signatureGates: readonly GateDefinition[] = [
  signatureGate(),
  signatureGate({ appliesTo: 'all', signedBy: ['build', 'release'] }),
  signatureGate({ signedBy: ['build', 'release'], count: 2, annotations: { channel: 'release' } }),
]
const monotone: readonly GateDefinition[] = [
  ...signatureGates,
  attestationGate({ expression: isGood }),
  attestationGate({ expression: isGood, appliesTo: 'platforms' }),
  sbomGate({ signedBy: ['build'] }),
]
const newest: readonly GateDefinition[] = [
  attestationGate({ expression: isGood, newestOnly: true }),
  attestationGate({ expression: isGood, newestOnly: true, signedBy: ['build', 'release'], count: 2 }),
  scanGate({ signedBy: ['scanner'] }),
  scanGate({ signedBy: ['scanner'], vexSignedBy: ['security'], unknownSeverity: 'ignore' }),
]
const gates = fc.constantFrom(...monotone, ...newest)

/** Who signed, and what it is attached to and about. */
const attachment = fc
  .record({
    by: fc.constantFrom(
      ['build'],
      ['release'],
      ['scanner'],
      ['security'],
      ['build', 'release'],
      ['stranger'],
      [],
    ),
    to: fc.constantFrom(index, amd64, arm64),
    elsewhere: fc.boolean(),
    signedAge: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }),
    name: fc.constantFrom('a', 'b', 'c'),
  })
  .map(({ by, to, elsewhere: isElsewhere, signedAge, name }): Attached => ({
    by,
    to,
    name,
    ...(isElsewhere && { about: [elsewhere] }),
    ...(signedAge !== undefined && { signedAt: now - signedAge * hour }),
  }))

/** An age in the past. */
const age = fc.option(
  fc.integer({ min: 0, max: 60 }).map((hours) => hours * hour),
  { nil: null },
)

const provenance = fc
  .tuple(attachment, fc.boolean(), age)
  .map(([options, good, ms]) =>
    statement(
      provenanceType,
      { good, ...(ms !== null && { timestamp: new Date(now - ms).toISOString() }) },
      options,
    ),
  )

const findings = fc.subarray([
  critical,
  { id: 'CVE-2026-1', severity: 'LOW' },
  { id: 'CVE-2026-2', severity: 'UNKNOWN', name: 'zlib' },
])

const report = fc
  .record({
    options: attachment,
    findings,
    age,
    platform: fc.constantFrom('linux/amd64', 'linux/arm64'),
    byScanner: fc.constantFrom(trivy, grype),
    isSigned: fc.boolean(),
    isNewSchema: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  })
  .map(({ options, byScanner, isSigned, isNewSchema, ...of }) =>
    scanned(
      { ...byScanner(of), ...(isNewSchema && { SchemaVersion: 3 }) },
      { ...options, ...(isSigned && { by: ['scanner'] }) },
    ),
  )

const vexDocument = fc
  .record({
    options: attachment,
    status: fc.constantFrom('not_affected', 'affected', 'fixed', 'under_investigation'),
    age,
    isSigned: fc.boolean(),
    subject: fc.constantFrom(amd64, arm64, index, elsewhere),
  })
  .map(({ options, isSigned, subject, ...of }) =>
    vex({ ...of, product: `pkg:oci/api@${subject}` }, { ...options, ...(isSigned && { by: ['security'] }) }),
  )

const bom = { bomFormat: 'CycloneDX', specVersion: '1.6', components: [{ name: 'openssl' }] }
const sbom = attachment.map((options) => statement('https://cyclonedx.org/bom', bom, options))

const broken = fc
  .tuple(attachment, fc.constantFrom(provenanceType, undefined), fc.boolean())
  .map(([options, predicateType, isDamaged]) =>
    unreadable('it is broken', {
      ...options,
      ...(predicateType !== undefined && { predicateType }),
      ...(isDamaged && { isDamaged, by: [] }),
    }),
  )

const anyEvidence: fc.Arbitrary<AttachedEvidence> = fc.oneof(
  fc
    .tuple(attachment, fc.constantFrom({ channel: 'release' }, {}))
    .map(([options, annotations]) => signature({ ...options, annotations })),
  provenance,
  { arbitrary: report, weight: 3 },
  vexDocument,
  sbom,
  broken,
)
const added = fc.array(anyEvidence, { maxLength: 4 })

/** Attached artifacts with which all gates pass. */
const complete: readonly AttachedEvidence[] = [
  ...[index, amd64, arm64].flatMap((to) => [
    signature({ to, annotations: { channel: 'release' } }),
    signature({ to, by: ['release'], annotations: { channel: 'release' } }),
    ...['build', 'release'].map((signer) =>
      statement(
        provenanceType,
        { good: true, timestamp: new Date(now - hour).toISOString() },
        { to, by: [signer] },
      ),
    ),
  ]),
  ...[amd64, arm64].map((to) => statement('https://cyclonedx.org/bom', bom, { to })),
  scanned(trivy()),
  scanned(trivy({ platform: 'linux/arm64' }), { to: arm64 }),
]

/** Some of the artifacts with which all gates pass, and others in any order. */
const many = fc
  .tuple(fc.subarray([...complete], { minLength: complete.length - 2 }), added)
  .map(([good, others]) => [...good, ...others])

function passes(gate: GateDefinition, evidence: readonly AttachedEvidence[], at = now): boolean {
  return evaluate(gate, judgedImage(evidence), { now: at }).result === 'pass'
}

function withoutSigner(evidence: AttachedEvidence): AttachedEvidence {
  return { ...evidence, signers: [] }
}

/** The same artifact after one byte of its content changed in the registry. */
function damaged(evidence: AttachedEvidence): AttachedEvidence {
  const { content } = evidence
  const predicateType =
    content.kind === 'statement' || content.kind === 'unreadable' ? content.predicateType : undefined
  return {
    ...evidence,
    signers: [],
    content: {
      kind: 'unreadable',
      reason: 'its bytes do not have its digest',
      isDamaged: true,
      ...(predicateType !== undefined && { predicateType }),
    },
  }
}

const runs = { numRuns: 300 }

it('all gates pass with the artifacts that the properties begin with', () => {
  for (const gate of [...monotone, ...newest])
    expect(evaluate(gate, judgedImage(complete))).toMatchObject({ result: 'pass' })
})

describe('a refusal stays a refusal', () => {
  it('if attached artifacts that no signer made are added', () => {
    fc.assert(
      fc.property(gates, many, added, (gate, evidence, others) => {
        const more = [...evidence, ...others.map(withoutSigner)]
        expect(passes(gate, evidence) || !passes(gate, more)).toBe(true)
      }),
      runs,
    )
  })

  it('if one attached artifact is removed, for gates in which the newest does not decide', () => {
    fc.assert(
      fc.property(fc.constantFrom(...monotone), many, fc.nat(), (gate, evidence, at) => {
        const less = evidence.toSpliced(at % evidence.length, 1)
        expect(passes(gate, evidence) || !passes(gate, less)).toBe(true)
      }),
      runs,
    )
  })

  it('if one byte of an attached artifact changes', () => {
    fc.assert(
      fc.property(gates, many, fc.nat(), (gate, evidence, n) => {
        const at = n % evidence.length
        const changed = evidence.map((one, i) => (i === at ? damaged(one) : one))
        expect(passes(gate, evidence) || !passes(gate, changed)).toBe(true)
      }),
      runs,
    )
  })

  it('if all attached artifacts are older', () => {
    fc.assert(
      fc.property(gates, many, fc.integer({ min: 1, max: 100 }), (gate, evidence, hours) => {
        expect(passes(gate, evidence) || !passes(gate, evidence, now + hours * hour)).toBe(true)
      }),
      runs,
    )
  })

  it('if a scan gate gets a lower threshold', () => {
    const order = [...severities]
    fc.assert(
      fc.property(many, fc.constantFrom(...order), fc.constantFrom(...order), (evidence, one, other) => {
        const [low = one, high = one] = [one, other].toSorted((a, b) => order.indexOf(a) - order.indexOf(b))
        const gate = scanGate({ signedBy: ['scanner'] })
        const [atHigh, atLow] = [high, low].map((failOn) => passes({ ...gate, failOn }, evidence))
        expect(atHigh === true || atLow === false).toBe(true)
      }),
      runs,
    )
  })
})

describe('the gap: a person who can delete can remove the newest attached artifact', () => {
  const isReportOf = (bad: boolean) =>
    scanned(trivy({ findings: bad ? [critical] : [], age: bad ? hour : 2 * hour }))
  const gate = scanGate({ signedBy: ['scanner'], images: ['*'], vexSignedBy: ['security'] })
  const ofArm = scanned(trivy({ platform: 'linux/arm64' }), { to: arm64 })

  it('without the newest bad report, an older good one decides', () => {
    expect(passes(gate, [ofArm, isReportOf(false), isReportOf(true)])).toBe(false)
    expect(passes(gate, [ofArm, isReportOf(false)])).toBe(true)
  })

  it('without a VEX document that withdraws another, the other decides', () => {
    const bad = isReportOf(true)
    const withdrawn = [ofArm, bad, vex({ age: 2 * hour }), vex({ status: 'affected' }, { name: 'later' })]
    expect(passes(gate, withdrawn)).toBe(false)
    expect(passes(gate, withdrawn.slice(0, -1))).toBe(true)
  })

  it('without the newest attestation, an older one decides', () => {
    const only = attestationGate({ expression: isGood, newestOnly: true })
    const at = (good: boolean, ms: number) =>
      statement(provenanceType, { good, timestamp: new Date(now - ms).toISOString() })
    expect(passes(only, [at(true, day), at(false, hour)])).toBe(false)
    expect(passes(only, [at(true, day)])).toBe(true)
  })

  it('a report that did not decide can be removed without a change', () => {
    fc.assert(
      fc.property(fc.array(report, { maxLength: 3 }), fc.nat(), (others, n) => {
        const evidence = [...complete, ...others]
        const at = n % evidence.length
        const found = evaluate(gate, judgedImage(evidence))
        const decides =
          found.reason.includes('cannot be read') ||
          found.evidence.some(({ digest }) => digest === evidence[at]?.artifact)
        const less = evidence.toSpliced(at, 1)
        expect(decides || found.result === 'pass' || !passes(gate, less)).toBe(true)
      }),
      runs,
    )
  })
})
