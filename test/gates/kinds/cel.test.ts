import { describe, expect, it } from 'vitest'
import type { CelGate } from '../../../src/config/gates/gate.ts'
import type { JudgedImage } from '../../../src/gates/evidence.ts'
import type { EvaluationContext, GateFacts, KindResult } from '../../../src/gates/kind-result.ts'
import { evaluateCel } from '../../../src/gates/kinds/cel.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import { celGate } from '../../support/gates/definitions.ts'
import {
  amd64,
  arm64,
  evaluate,
  index,
  judgedImage,
  now,
  platformImage,
  singleImage,
  unreadable,
} from '../../support/gates/judged-image.ts'

const context: EvaluationContext = {
  now,
  operation: 'promote',
  from: { environment: 'staging', repository: { registry: 'registry.example.com', path: 'staging/api' } },
  to: { environment: 'prod', repository: { registry: 'eu.example.com', path: 'prod/api' } },
  actors: ['github:ada', 'ada'],
  reason: 'release',
  approvers: new Map(),
  environmentsOf: () => [],
}

function judge(
  expression: string,
  facts: Readonly<Record<string, GateFacts>> = {},
  image: JudgedImage = judgedImage(),
  changes: Partial<CelGate> = {},
): KindResult {
  return evaluateCel(celGate(expression, changes), image, context, new Map(Object.entries(facts)))
}

const statement = (
  predicate: unknown,
  subject: Digest = index,
  signer = 'build',
): Required<GateFacts>['attestations'][number] => ({ predicateType: 'type', predicate, subject, signer })

const finding = (
  id: string,
  subject: Digest,
  severity: 'high' | 'low' = 'high',
): Required<GateFacts>['vulnerabilities'][number] => ({
  id,
  aliases: [],
  package: { name: 'openssl' },
  severity,
  scanner: 'trivy',
  isUnfixed: false,
  subject,
})

/** The example of the specification: one CI run must build and scan the image. */
const sameRun =
  'attestations.scan.all(s, attestations.provenance.exists(p, ' +
  'p.predicate.runDetails.metadata.invocationId.startsWith(s.predicate.invocation.uri + "/")))'
const scanOf = (...runs: readonly string[]): GateFacts => ({
  attestations: runs.map((uri) => statement({ invocation: { uri } }, amd64)),
})
const buildOf = (invocationId: string): GateFacts => ({
  attestations: [statement({ runDetails: { metadata: { invocationId } } })],
})

describe('a rule', () => {
  it.each([
    ['the scan of the run that built the image', scanOf('runs/12'), buildOf('runs/12/attempts/1'), 'pass'],
    ['the scan of a run whose name is a prefix', scanOf('runs/1'), buildOf('runs/12/attempts/1'), 'fail'],
    ['the scan of another run', scanOf('runs/7'), buildOf('runs/12/attempts/1'), 'fail'],
    [
      'a scan of another run beside the right one',
      scanOf('runs/12', 'runs/7'),
      buildOf('runs/12/attempts/1'),
      'fail',
    ],
    ['a scan without a run', { attestations: [statement({})] }, buildOf('runs/12/attempts/1'), 'fail'],
    ['no scan', {}, buildOf('runs/12/attempts/1'), 'fail'],
    ['an empty list of scans', { attestations: [] }, buildOf('runs/12/attempts/1'), 'fail'],
  ])('compares attestations: %s', (_, scan, provenance, expected) => {
    expect(judge(sameRun, { scan, provenance }).result).toBe(expected)
  })

  it('says its message and why, and which gate did not pass', () => {
    const message = 'one CI run must build and scan the image'
    expect(judge(sameRun, {}, judgedImage(), { message })).toMatchObject({
      result: 'fail',
      reason: `${message} (attestations.scan does not exist: that gate did not pass, or it verified no attestation)`,
      subjects: [{ digest: index, result: 'fail' }],
    })
    expect(judge('image.tag == "1.4.3"', {}, judgedImage(), { message }).reason).toBe(
      `${message} (the expression is false)`,
    )
    expect(judge('true').reason).toBe('the expression is true')
  })

  it.each([
    ['from.environment == "staging" && to.repository == "eu.example.com/prod/api"', 'pass'],
    ['actor == "github:ada" && reason == "release"', 'pass'],
    ['ticket != ""', 'fail'],
    ['now == timestamp("2026-11-25T12:00:00Z")', 'pass'],
    ['image.name == "api" && image.tag == "1.4.2" && image.size == 1000', 'pass'],
    ['image.platforms == ["linux/amd64", "linux/arm64"]', 'pass'],
    ['scan.vulnerabilities.all(v, false)', 'fail'],
    ['sbom.components.all(c, false)', 'fail'],
    ['signers.all(s, false)', 'fail'],
    ['!("build" in signers)', 'fail'],
    ['image.digest.matches("sha256.*")', 'fail'],
    ['image.nope == ""', 'fail'],
    ['1 / 0 == 1', 'fail'],
    ['image.__proto__ == null', 'fail'],
  ])('has the values of the run and the image: %s', (expression, expected) => {
    expect(judge(expression).result).toBe(expected)
  })

  it.each<[string, Partial<JudgedImage>]>([
    ['a limit', { limit: 'the image has 501 attached artifacts' }],
    [
      'a damaged artifact',
      { evidence: [unreadable('its bytes do not have the digest', { isDamaged: true })] },
    ],
    ['an artifact of a known signer', { evidence: [unreadable('a key stands twice', { by: ['build'] })] }],
  ])('does not pass by the absence of evidence that could not be read: %s', (_, changes) => {
    const unread = judgedImage([], changes)
    for (const expression of [
      '!has(attestations.blocked)',
      'true || attestations["blocked"].size() == 0',
      'true || scan.vulnerabilities.size() == 0',
      'true || "build" in signers',
    ]) {
      expect(judge(expression).result, expression).toBe('pass')
      expect(judge(expression, {}, unread), expression).toMatchObject({
        result: 'fail',
        reason: expect.stringMatching(/ is unknown: /) as string,
      })
    }
    const blocked = { blocked: { attestations: [statement({})] } }
    expect(judge('has(attestations.blocked)', blocked, unread).result).toBe('pass')
    expect(judge('image.tag == "1.4.2"', {}, unread).result).toBe('pass')
  })

  it('may pass beside an artifact that anyone could attach', () => {
    const foreign = judgedImage([unreadable('it is no bundle', { by: [] })])
    expect(judge('!has(attestations.blocked)', {}, foreign).result).toBe('pass')
  })

  it('reads an empty list of findings after a scan as no findings', () => {
    const facts = { scan: { vulnerabilities: [] } }
    expect(judge('scan.vulnerabilities.size() == 0', facts).result).toBe('pass')
  })

  it('fails in an evaluation of gates like every other gate', () => {
    expect(evaluate(celGate('image.tag == "1.4.2"'), judgedImage()).result).toBe('pass')
    expect(evaluate(celGate('true'), judgedImage([], { clockDifference: 7_200_000 })).result).toBe('pass')
    expect(
      evaluate(celGate('now > timestamp(0)'), judgedImage([], { clockDifference: 7_200_000 })).result,
    ).toBe('fail')
  })
})

describe('labels of an index', () => {
  const withLabels = (
    one: Readonly<Record<string, string>>,
    other?: Readonly<Record<string, string>>,
  ): JudgedImage =>
    judgedImage([], {
      platforms: [
        { ...platformImage('linux/amd64'), labels: one, created: '2026-11-24T00:00:00Z' },
        { ...platformImage('linux/arm64'), ...(other && { labels: other, created: '2026-11-25T00:00:00Z' }) },
      ],
    })
  const label = 'image.labels["team"] == "a"'

  it('are those that all of its platform images have', () => {
    expect(judge(label, {}, withLabels({ team: 'a', x: '1' }, { x: '1', team: 'a' })).result).toBe('pass')
  })

  it.each([
    ['differ', { team: 'b' }],
    ['are more', { team: 'a', evil: '1' }],
    ['are unknown', undefined],
  ])('are unbound if those of a platform %s', (_, other) => {
    const image = withLabels({ team: 'a' }, other)
    expect(judge(label, {}, image).result).toBe('fail')
    expect(judge('!("evil" in image.labels)', {}, image).reason).toContain('image.labels does not exist')
  })

  it('are those of each platform image in a rule about platforms', () => {
    const image = withLabels({ team: 'a' }, { team: 'b' })
    const { result, reason, subjects } = judge(label, {}, image, { appliesTo: 'platforms' })
    expect({ result, reason }).toEqual({ result: 'fail', reason: 'linux/arm64: the expression is false' })
    expect(subjects.map((one) => one.result)).toEqual(['pass', 'fail'])
  })

  it('can be text of an attacker without an effect', () => {
    const image = singleImage([], {
      platforms: [{ ...platformImage('linux/amd64'), labels: { team: '\u001B[2J\n::set-output name=x::y' } }],
    })
    const { reason } = judge('bool(image.labels.team)', {}, image)
    expect(reason).not.toContain('\n')
  })

  it('and its time are unbound if they differ or are no time', () => {
    expect(judge('image.created < now', {}, withLabels({}, {})).reason).toContain(
      'image.created does not exist',
    )
    const image = judgedImage([], { platforms: [{ ...platformImage('linux/amd64'), created: 'yesterday' }] })
    expect(judge('image.created < now', {}, image).reason).toContain('image.created does not exist')
  })
})

describe('the signers of a rule', () => {
  const signed = (signer: string, subject: Digest): GateFacts => ({ signers: [{ signer, subject }] })
  const byBoth = {
    a: signed('a', amd64),
    b: signed('a', arm64),
    c: signed('b', arm64),
    d: signed('c', index),
  }

  it('are those of the index, and those of all of its platform images', () => {
    expect(judge('signers == ["a", "c"]', byBoth).reason).toBe('the expression is true')
  })

  it('are those of the platform image and of its index', () => {
    const { subjects } = judge('signers == ["a", "c"]', byBoth, judgedImage(), { appliesTo: 'platforms' })
    expect(subjects.map((one) => one.result)).toEqual(['pass', 'fail'])
    expect(judge('"b" in signers', byBoth, judgedImage(), { appliesTo: 'platforms' }).reason).toContain(
      'linux/amd64',
    )
  })
})

describe('a rule about platform images', () => {
  const changes = { appliesTo: 'platforms' } as const

  it('sees the findings of its platform only', () => {
    const facts = {
      scan: { vulnerabilities: [finding('CVE-1', amd64), finding('CVE-2', arm64, 'low')] },
      sbom: { components: [{ name: 'bash', licenses: ['GPL-3.0'], subject: arm64 }] },
    }
    const noHigh = judge('scan.vulnerabilities.all(v, v.severity != "high")', facts, judgedImage(), changes)
    expect(noHigh.subjects.map((one) => one.result)).toEqual(['fail', 'pass'])
    const bash = judge('sbom.components.exists(c, c.name == "bash")', facts, judgedImage(), changes)
    expect(bash.subjects.map((one) => one.result)).toEqual(['fail', 'pass'])
  })

  it('sees attestations of its platform and of the index', () => {
    const facts = {
      built: { attestations: [statement({ by: 'ci' })] },
      tested: { attestations: [statement({}, arm64)] },
    }
    const built = judge('attestations.built.all(b, b.predicate.by == "ci")', facts, judgedImage(), changes)
    expect(built.result).toBe('pass')
    const tested = judge('attestations.tested.all(t, true)', facts, judgedImage(), changes)
    expect(tested.subjects.map((one) => one.result)).toEqual(['fail', 'pass'])
  })
})
