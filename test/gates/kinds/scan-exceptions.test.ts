import { describe, expect, it } from 'vitest'
import type { ScanException } from '../../../src/config/gates/gate.ts'
import { shortDigest } from '../../../src/gates/evaluation/judge-subjects.ts'
import { scanGate } from '../../support/gates/definitions.ts'
import {
  amd64,
  arm64,
  attachedDocument,
  day,
  digest,
  elsewhere,
  evaluate,
  gateTrust,
  hour,
  index,
  judgedImage,
  now,
  platformImage,
  singleImage,
  statement,
  unreadable,
} from '../../support/gates/judged-image.ts'
import { critical, purlOf, scanned, type TestVex, trivy, vex } from '../../support/gates/scan-reports.ts'

const gate = scanGate({ signedBy: ['scanner'], vexSignedBy: ['security'] })
const bad = scanned(trivy({ findings: [critical] }))
/** The evaluation is on 2026-11-25 at 12:00 UTC. */
const valid: ScanException = { id: critical.id, expires: '2027-01-31', reason: 'OPS-90: not reachable' }

function judge(exceptions: readonly ScanException[], at = now, evidence = [bad]) {
  return evaluate({ ...gate, exceptions }, singleImage(evidence), { now: at })
}

describe('an exception', () => {
  it('suppresses a finding, limits the pass, and is shown', () => {
    expect(judge([{ ...valid, expires: '2026-11-25' }])).toMatchObject({
      result: 'pass',
      reason: '1 exception until 2026-11-25 (trivy, 1 h ago)',
      validUntil: '2026-11-26T00:00:00.000Z',
    })
  })

  it.each([
    ['yesterday, is void', '2026-11-24', 'fail', 'its exception expired on 2026-11-24'],
    ['today, is valid', '2026-11-25', 'pass', ''],
    ['in a year, is valid', '2027-11-25', 'pass', ''],
    ['in a year and a day, is void', '2027-11-26', 'fail', 'more than a year ahead'],
    ['in two years, is void', '2028-11-25', 'fail', 'more than a year ahead'],
    ['never, is void', 'never', 'fail', 'no valid date'],
  ])('that expires %s', (_, expires, result, reason) => {
    const found = judge([{ ...valid, expires }])
    expect(found.result).toBe(result)
    expect(found.reason).toContain(reason)
  })

  it('is valid until 23:59 UTC of its day', () => {
    const last = Date.parse('2026-11-25T23:59:59Z')
    const report = scanned(trivy({ findings: [critical], age: -11 * hour }))
    const exceptions = [{ ...valid, expires: '2026-11-25' }]
    expect(judge(exceptions, last, [report]).result).toBe('pass')
    expect(judge(exceptions, last + 1000, [report]).result).toBe('fail')
  })

  it('expires by the clock that is ahead', () => {
    const late = Date.parse('2026-11-25T23:30:00Z')
    const report = scanned(trivy({ findings: [critical], age: -11 * hour }))
    const exceptions = [{ ...valid, expires: '2026-11-25' }]
    const image = singleImage([report], { clockDifference: hour })
    expect(evaluate({ ...gate, exceptions }, image, { now: late }).result).toBe('fail')
  })

  it.each([
    ['the name of the package', { package: 'openssl' }, 'pass'],
    ['the package URL', { package: 'pkg:deb/debian/openssl@3.0.1' }, 'pass'],
    ['the package URL of any version', { package: 'pkg:deb/debian/openssl' }, 'pass'],
    ['another package', { package: 'libssl' }, 'fail'],
    ['another version', { package: 'pkg:deb/debian/openssl@3.0.0' }, 'fail'],
    ['another id', { id: 'CVE-2026-999' }, 'fail'],
    ['another case of the id', { id: 'cve-2026-9999' }, 'pass'],
  ])('for %s: %s', (_, changes, result) => {
    expect(judge([{ ...valid, ...changes }]).result).toBe(result)
  })

  it('for a CVE matches its GHSA alias, and the reverse', () => {
    const alias = { ...critical, id: 'GHSA-abcd-efgh-ijkl', aliases: [critical.id] }
    const report = scanned(trivy({ findings: [alias] }))
    expect(judge([valid], now, [report]).result).toBe('pass')
    expect(judge([{ ...valid, id: alias.id }], now, [report]).result).toBe('pass')
  })

  it('that is not used is a warning', () => {
    const found = judge([{ ...valid, id: 'CVE-2020-1', package: 'zlib' }], now, [scanned(trivy())])
    expect(found.result).toBe('pass')
    expect(found.warnings).toEqual(['the exception for CVE-2020-1 for zlib is not used'])
  })

  it('that is not used because it expired says so', () => {
    expect(judge([{ ...valid, expires: '2026-11-24' }]).warnings).toEqual([
      'the exception for CVE-2026-9999 is not used: its exception expired on 2026-11-24',
    ])
  })

  it('is used if one platform image needs it', () => {
    const clean = scanned(trivy({ platform: 'linux/arm64' }), { to: arm64 })
    const found = evaluate({ ...gate, exceptions: [valid] }, judgedImage([bad, clean]))
    expect(found).toMatchObject({
      result: 'pass',
      reason:
        'linux/amd64: 1 exception until 2027-01-31 (trivy, 1 h ago); linux/arm64: no vulnerability is high or above (trivy, 1 h ago)',
    })
    expect(found.warnings).toBeUndefined()
  })

  it('without a report is not reported as unused', () => {
    expect(judge([valid], now, []).warnings).toBeUndefined()
  })
})

describe('a VEX document', () => {
  const judgeVex = (...all: TestVex[]) =>
    evaluate(gate, singleImage([bad, ...all.map((one, i) => vex(one, { name: `${i}` }))]))

  it('suppresses a finding, and the result depends on it', () => {
    const document = vex()
    expect(evaluate(gate, singleImage([bad, document]))).toMatchObject({
      result: 'pass',
      reason: '1 suppressed by VEX (trivy, 1 h ago)',
      evidence: [
        { digest: bad.artifact },
        { digest: document.artifact, signer: digest('security'), time: '2026-11-25T11:00:00.000Z' },
      ],
    })
  })

  it.each([
    ['not_affected with a justification', {}, 'pass'],
    ['not_affected without a justification', { justification: '' }, 'fail'],
    ['fixed', { status: 'fixed', justification: '' }, 'pass'],
    ['affected', { status: 'affected' }, 'fail'],
    ['under_investigation', { status: 'under_investigation' }, 'fail'],
    ['another vulnerability', { id: 'CVE-2026-1' }, 'fail'],
    ['this image by its digest', { product: `registry.example.com/staging/api@${amd64}` }, 'pass'],
    ['the package URL of the image', { product: 'pkg:oci/api' }, 'pass'],
    [
      'the package URL with its repository',
      { product: 'pkg:oci/api?repository_url=registry.example.com/staging/api' },
      'pass',
    ],
    ['another repository', { product: 'pkg:oci/api?repository_url=registry.example.com/dev/api' }, 'fail'],
    ['another product', { product: 'pkg:oci/web' }, 'fail'],
    ['another digest', { product: `pkg:oci/api@${elsewhere}` }, 'fail'],
    ['another kind of product', { product: 'pkg:deb/debian/api' }, 'fail'],
    ['a tag of the image', { product: 'pkg:oci/api@1.4.2' }, 'fail'],
    ['any version of the package', { subcomponents: ['pkg:deb/debian/openssl'] }, 'pass'],
    ['another package', { subcomponents: ['pkg:deb/debian/zlib'] }, 'fail'],
    ['another version of the package', { subcomponents: ['pkg:deb/debian/openssl@3.0.0'] }, 'fail'],
    ['no subcomponent', { subcomponents: [] }, 'fail'],
  ])('about %s: %s', (_, one, result) => {
    expect(judgeVex(one).result).toBe(result)
  })

  it.each([
    [{ justification: '' }, 'its VEX statement has no justification'],
    [{ subcomponents: [] }, 'its VEX statement names no subcomponent'],
  ])('that seems to suppress the finding is explained: %j', (one, note) => {
    expect(judgeVex(one).reason).toBe(`CVE-2026-9999 critical, openssl 3.0.1, fixed in 3.0.2, ${note}`)
  })

  it.each([
    ['a later affected reopens it', [{ age: 2 * hour }, { status: 'affected', age: hour }], 'fail'],
    [
      'a later investigation reopens it',
      [{ age: 2 * hour }, { status: 'under_investigation', age: hour }],
      'fail',
    ],
    ['an earlier affected does not', [{ status: 'affected', age: 2 * hour }, { age: hour }], 'pass'],
    ['affected at the same time reopens it', [{}, { status: 'affected' }], 'fail'],
    [
      'affected for the whole product reopens it',
      [{ age: 2 * hour }, { status: 'affected', subcomponents: [] }],
      'fail',
    ],
    [
      'affected for another package does not',
      [{ age: 2 * hour }, { status: 'affected', subcomponents: ['pkg:deb/debian/zlib'] }],
      'pass',
    ],
    [
      'a later one without justification does not reopen it',
      [{ age: 2 * hour }, { justification: '' }],
      'pass',
    ],
    ...[
      { product: 'pkg:oci/api?repository_url=registry.example.com/prod/api' },
      { product: 'pkg:oci/api@1.4.2' },
      { product: 'pkg:docker/acme/api' },
      { subcomponents: ['pkg:deb/ubuntu/openssl?arch=amd64'] },
    ].map((one): [string, TestVex[], string] => [
      `affected under another name reopens it: ${JSON.stringify(one)}`,
      [{ age: 2 * hour }, { status: 'affected', ...one }],
      'fail',
    ]),
    [
      'affected for another version does not',
      [{ age: 2 * hour }, { status: 'affected', subcomponents: ['pkg:deb/debian/openssl@3.0.0'] }],
      'pass',
    ],
    [
      'affected for another image does not',
      [{ age: 2 * hour }, { status: 'affected', product: 'pkg:oci/web' }],
      'pass',
    ],
    [
      'affected for its alias alone reopens it',
      [
        { aliases: ['GHSA-aaaa-bbbb-cccc'], age: 2 * hour },
        { id: 'GHSA-aaaa-bbbb-cccc', status: 'affected' },
      ],
      'fail',
    ],
    [
      'fixed for an alias of affected does not close it',
      [
        { aliases: ['GHSA-aaaa-bbbb-cccc'], status: 'affected', age: 2 * hour },
        { id: 'GHSA-aaaa-bbbb-cccc', status: 'fixed' },
      ],
      'fail',
    ],
    ['one of the future does not count', [{ age: -day }], 'fail'],
    ['one without a time counts alone', [{ age: null }], 'pass'],
    ['affected without a time may be the newest', [{}, { status: 'affected', age: null }], 'fail'],
    [
      'any affected is newer than one without a time',
      [{ age: null }, { status: 'affected', age: 9 * day }],
      'fail',
    ],
    [
      'fixed after affected closes it',
      [
        { status: 'affected', age: 2 * hour },
        { status: 'fixed', age: hour },
      ],
      'pass',
    ],
  ])('the newest statement decides: %s', (_, all: TestVex[], result) => {
    expect(judgeVex(...all).result).toBe(result)
    expect(judgeVex(...all.toReversed()).result).toBe(result)
  })

  it.each([
    ['is not signed', vex({}, { by: [] })],
    ['is signed by the scanner', vex({}, { by: ['scanner'] })],
    ['is about another image', vex({}, { about: [elsewhere] })],
    ['is attached without a statement', attachedDocument('application/vnd.openvex+json', {}, { to: amd64 })],
  ])('that %s does not count', (_, document) => {
    expect(evaluate(gate, singleImage([bad, document])).result).toBe('fail')
  })

  it('that is not signed is a warning', () => {
    const document = vex({}, { by: [], problems: ['no signer made it'] })
    expect(evaluate(gate, singleImage([bad, document])).warnings).toEqual([
      `VEX document ${shortDigest(document.artifact)} does not count: no signer made it`,
    ])
  })

  it('counts only if the gate has `vex`', () => {
    const { vexSignedBy: _, ...without } = gate
    expect(evaluate(without, singleImage([bad, vex()])).result).toBe('fail')
  })

  it.each([
    ['signed by security', unreadable('not JSON', { by: ['security'], to: amd64 })],
    [
      'with a missing blob',
      unreadable('not found', {
        by: [],
        to: amd64,
        isDamaged: true,
        predicateType: 'https://openvex.dev/ns/v0.2.0',
      }),
    ],
    [
      'of another version',
      statement(
        'https://openvex.dev/ns',
        { '@context': 'https://openvex.dev/ns/v9' },
        { by: ['security'], to: amd64 },
      ),
    ],
  ])('that cannot be read may withdraw a statement: %s', (_, broken) => {
    expect(evaluate(gate, singleImage([bad, vex(), broken])).result).toBe('fail')
  })

  it('that cannot be read and is older does not', () => {
    const broken = unreadable('not JSON', { by: ['security'], to: amd64, signedAt: now - 2 * hour })
    expect(evaluate(gate, singleImage([bad, vex(), broken])).result).toBe('pass')
  })

  it('of the index suppresses findings of its platform images', () => {
    const image = judgedImage([bad, vex({ product: `pkg:oci/api@${index}` }, { to: index })], {
      platforms: [platformImage('linux/amd64')],
    })
    expect(evaluate(gate, image).result).toBe('pass')
  })

  it('of the other platform image does not count', () => {
    const ofArm = scanned(trivy({ platform: 'linux/arm64', findings: [critical] }), { to: arm64 })
    const found = evaluate(gate, judgedImage([bad, ofArm, vex()]))
    expect(found.subjects.map(({ result }) => result)).toEqual(['pass', 'fail'])
  })

  it('counts until the key of its signer expires', () => {
    const trust = gateTrust({ security: now + hour })
    expect(evaluate(gate, singleImage([bad, vex()]), { trust }).validUntil).toBe('2026-11-25T13:00:00.000Z')
  })

  it('makes an exception for the same finding unnecessary', () => {
    const found = evaluate({ ...gate, exceptions: [valid] }, singleImage([bad, vex()]))
    expect(found.warnings).toEqual(['the exception for CVE-2026-9999 is not used'])
  })

  it('in CycloneDX suppresses a finding in the same way', () => {
    const bom = {
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      metadata: {
        timestamp: new Date(now - hour).toISOString(),
        component: { 'bom-ref': 'image', name: 'api', type: 'container', purl: `pkg:oci/api@${amd64}` },
      },
      vulnerabilities: [
        {
          id: critical.id,
          analysis: { state: 'not_affected', justification: 'code_not_reachable' },
          affects: [{ ref: purlOf(critical) }],
        },
      ],
    }
    const document = statement('https://cyclonedx.org/bom', bom, { by: ['security'], to: amd64 })
    expect(evaluate(gate, singleImage([bad, document])).result).toBe('pass')
  })
})
