import { describe, expect, it } from 'vitest'
import type { AttachedEvidence } from '../../../src/gates/evidence.ts'
import { evaluateScan } from '../../../src/gates/kinds/scan.ts'
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
  evaluationContext,
  gateTrust,
  hour,
  index,
  judgedImage,
  now,
  platformImage,
  reportFile,
  singleImage,
  statement,
  unreadable,
} from '../../support/gates/judged-image.ts'
import {
  critical,
  grype,
  sarif,
  scanned,
  scannedSarif,
  type TestFinding,
  trivy,
  vulnType,
  vulnsType,
} from '../../support/gates/scan-reports.ts'

const gate = scanGate({ signedBy: ['scanner'] })

/** Judges the attached artifacts of a single image. */
function judge(evidence: readonly AttachedEvidence[], changes: Parameters<typeof scanGate>[0] = {}) {
  return evaluate({ ...gate, ...changes }, singleImage(evidence))
}

const clean = scanned(trivy())
const bad = scanned(trivy({ findings: [critical] }))

describe('a scan gate passes', () => {
  it('with a new report without severe findings, and says until when', () => {
    expect(judge([clean])).toMatchObject({
      result: 'pass',
      reason: 'no vulnerability is high or above (trivy, 1 h ago)',
      subjects: [{ platform: 'linux/amd64', result: 'pass' }],
      evidence: [{ digest: clean.artifact, signer: digest('scanner'), time: '2026-11-25T11:00:00.000Z' }],
      validUntil: '2026-11-26T11:00:00.000Z',
    })
  })

  it.each([
    ['below failOn', { severity: 'MEDIUM' }, {}],
    ['negligible, as `none`', { severity: 'NONE' }, {}],
    ['without a fix, with ignoreUnfixed', { fixed: undefined }, { ignoreUnfixed: true }],
    [
      'of unknown severity, with unknownSeverity: ignore',
      { severity: 'UNKNOWN' },
      { unknownSeverity: 'ignore' as const },
    ],
  ])('with a finding %s', (_, finding, changes) => {
    expect(judge([scanned(trivy({ findings: [{ ...critical, ...finding }] }))], changes).result).toBe('pass')
  })

  it('until the key of the scanner expires', () => {
    const trust = gateTrust({ scanner: now + hour })
    expect(evaluate(gate, singleImage([clean]), { trust }).validUntil).toBe('2026-11-25T13:00:00.000Z')
  })
})

describe('a scan gate fails', () => {
  it('without a report, with the commands that make one', () => {
    const found = judge([])
    expect(found).toMatchObject({ result: 'fail', effect: 'refused', reason: 'no report', evidence: [] })
    const reference = `registry.example.com/staging/api@${amd64}`
    expect(found.hint).toBe(
      `Run: trivy image --format cosign-vuln --output report.json ${reference} && cosign attest --key KEY --type vuln --predicate report.json ${reference}`,
    )
  })

  it('without a report of several platform images, with one command for all of them', () => {
    const { hint } = evaluate(gate, judgedImage())
    const reference = 'registry.example.com/staging/api@$digest'
    expect(hint).toBe(
      `Run: for digest in ${amd64} ${arm64}; do trivy image --format cosign-vuln --output report.json ${reference} && cosign attest --key KEY --type vuln --predicate report.json ${reference}; done`,
    )
    expect(evaluate(gate, judgedImage([clean])).hint).toContain(
      `Run: trivy image --format cosign-vuln --output report.json registry.example.com/staging/api@${arm64}`,
    )
  })

  it('with a severe finding, and names it with its package and fix', () => {
    expect(judge([bad])).toMatchObject({
      result: 'fail',
      reason: 'CVE-2026-9999 critical, openssl 3.0.1, fixed in 3.0.2',
      evidence: [{ digest: bad.artifact }],
      hint: 'Build the image with openssl 3.0.2, or add an exception for CVE-2026-9999 to the gate scan.',
    })
  })

  it('with many findings, and names the most severe ones', () => {
    const findings = ['LOW', 'HIGH', 'CRITICAL', 'HIGH', 'MEDIUM', 'HIGH'].map(
      (severity, i): TestFinding => ({
        id: `CVE-2026-100${i}`,
        severity,
      }),
    )
    expect(judge([scanned(trivy({ findings }))]).reason).toBe(
      'CVE-2026-1002 critical, openssl 3.0.1, no fix; CVE-2026-1001 high, openssl 3.0.1, no fix; CVE-2026-1003 high, openssl 3.0.1, no fix; and 1 more',
    )
  })

  it.each([
    ['with a finding of failOn itself', { severity: 'HIGH' }, {}],
    [
      'with an unknown severity, which counts as critical',
      { severity: 'UNKNOWN' },
      { failOn: 'critical' as const },
    ],
    [
      'with a severity that dray does not know',
      { severity: 'ASTRONOMICAL' },
      { failOn: 'critical' as const },
    ],
    ['with a fix, with ignoreUnfixed', {}, { ignoreUnfixed: true }],
  ])('%s', (_, finding, changes) => {
    expect(judge([scanned(trivy({ findings: [{ ...critical, ...finding }] }))], changes).result).toBe('fail')
  })

  it('with a finding without data about a fix, with ignoreUnfixed', () => {
    const report = scannedSarif(sarif({ findings: [{ id: 'CVE-2026-1' }] }))
    expect(judge([report], { ignoreUnfixed: true }).result).toBe('fail')
  })

  it.each([
    ['that is not signed', scanned(trivy(), { by: [] })],
    ['of another signer', scanned(trivy(), { by: ['build'] })],
    ['that is attached as it is', attachedDocument('application/sarif+json', sarif(), { to: amd64 })],
    ['whose statement is about another image', scanned(trivy(), { about: [elsewhere] })],
    ['of another type', statement('https://example.com/other', trivy(), { by: ['scanner'], to: amd64 })],
    ['that is a file with a report in it', attachedDocument('application/json', trivy(), { to: amd64 })],
    ['that is an SBOM', statement('https://cyclonedx.org/bom', { bomFormat: 'CycloneDX' }, { to: amd64 })],
  ])('with a report %s', (_, report) => {
    expect(judge([report]).result).toBe('fail')
  })

  it('and names a report without a statement in a warning', () => {
    const file = attachedDocument('application/sarif+json', sarif(), { to: amd64 })
    expect(judge([file]).warnings).toEqual([
      `report ${shortDigest(file.artifact)} does not count: it is not signed by a known signer`,
    ])
  })

  it('and does not take an SBOM for a report', () => {
    const sboms = [
      statement('https://cyclonedx.org/bom', { bomFormat: 'CycloneDX', components: [] }, { to: amd64 }),
      attachedDocument('application/vnd.cyclonedx+json', { bomFormat: 'CycloneDX' }, { to: amd64 }),
    ]
    expect(judge(sboms)).toMatchObject({ result: 'fail', reason: 'no report' })
    expect(judge(sboms).warnings).toBeUndefined()
  })

  it('and names the report of another signer in a warning', () => {
    const foreign = scanned(trivy(), { by: ['build'] })
    const { reason, warnings } = judge([foreign])
    expect(reason).toBe('no report of an accepted signer')
    expect(warnings).toEqual([
      `report ${shortDigest(foreign.artifact)} does not count: it is signed by build, and the gate accepts scanner`,
    ])
  })
})

describe('the age of a report', () => {
  it.each([
    ['24 h', scanned(trivy({ age: day })), 'pass', ''],
    ['25 h', scanned(trivy({ age: 25 * hour })), 'fail', 'the newest report is 25 h old, and maxAge is 24 h'],
    ['none', scanned(trivy({ age: null })), 'fail', 'a report without a time is too old'],
    [
      'dated tomorrow',
      scanned(trivy({ age: -day })),
      'fail',
      'the report is dated in the future, 2026-11-26 12:00 UTC',
    ],
    ['dated in 4 minutes', scanned(trivy({ age: -4 * 60_000 })), 'pass', ''],
    ['dated in 6 minutes', scanned(trivy({ age: -6 * 60_000 })), 'fail', 'the report is dated in the future'],
  ])('%s', (_, report, result, reason) => {
    const found = judge([report])
    expect(found.result).toBe(result)
    expect(found.reason).toContain(reason)
  })

  it('counts by the clock that is ahead', () => {
    const report = scanned(trivy({ age: 23.5 * hour }))
    expect(evaluate(gate, singleImage([report])).result).toBe('pass')
    const ahead = singleImage([report], { clockDifference: hour })
    expect(evaluate(gate, ahead).result).toBe('fail')
    const behind = singleImage([report], { clockDifference: -hour })
    expect(evaluate(gate, behind).result).toBe('pass')
  })

  it('fails if the clocks differ by more than an hour', () => {
    expect(evaluate(gate, singleImage([clean], { clockDifference: 2 * hour })).reason).toContain('2 h behind')
  })

  it('a report cannot be newer than its verified signature', () => {
    const report = scanned(trivy({ age: hour }), { signedAt: now - 25 * hour })
    expect(judge([report]).result).toBe('fail')
  })
})

describe('the newest report decides', () => {
  const old = (report: object) => scanned(report, { name: 'old' })

  it.each([
    ['old bad, new clean', [old(trivy({ age: 2 * hour, findings: [critical] })), clean], 'pass'],
    ['old clean, new bad', [old(trivy({ age: 2 * hour })), bad], 'fail'],
    ['bad and clean at once', [bad, clean], 'fail'],
    ['bad without a time, new clean', [old(trivy({ age: null, findings: [critical] })), clean], 'fail'],
    ['clean without a time, new clean', [old(trivy({ age: null })), clean], 'pass'],
    [
      'bad without a time and signed before the new clean',
      [scanned(trivy({ age: null, findings: [critical] }), { signedAt: now - 2 * hour }), clean],
      'pass',
    ],
    ['new clean of another signer', [bad, scanned(trivy({ age: 0 }), { by: ['stranger'] })], 'fail'],
    ['new clean of the future', [bad, scanned(trivy({ age: -day }))], 'fail'],
    [
      'old clean, new bad on the index',
      [old(trivy({ age: 2 * hour })), scanned(trivy({ findings: [critical] }), { to: index })],
      'fail',
    ],
  ])('%s: %s', (_, reports, result) => {
    const image = judgedImage(reports, { platforms: [platformImage('linux/amd64')] })
    expect(evaluate(gate, image).result).toBe(result)
    expect(evaluate(gate, { ...image, evidence: reports.toReversed() }).result).toBe(result)
  })

  it('of each scanner: one of two reports a vulnerability', () => {
    const found = judge([clean, scanned(grype({ findings: [critical] }))])
    expect(found).toMatchObject({
      result: 'fail',
      reason: 'CVE-2026-9999 critical, openssl 3.0.1, fixed in 3.0.2',
    })
  })

  it('of each scanner: a vulnerability that both report is named once', () => {
    expect(judge([bad, scanned(grype({ findings: [critical] }))]).reason).toBe(
      'CVE-2026-9999 critical, openssl 3.0.1, fixed in 3.0.2',
    )
  })

  it('of each scanner: one new report is enough, and the old one is a warning', () => {
    const found = judge([clean, scanned(grype({ age: 3 * day }))])
    expect(found.result).toBe('pass')
    expect(found.warnings).toEqual(['a report is older than maxAge or has no time: grype, 3 d ago'])
  })

  it('of each scanner: an old report with findings is not ignored', () => {
    expect(judge([clean, scanned(grype({ age: 3 * day, findings: [critical] }))]).result).toBe('fail')
  })
})

describe('index and platforms', () => {
  const onIndex = (report: object) => scanned(report, { to: index })
  const ofArm = trivy({ platform: 'linux/arm64' })

  it('amd64 is clean and arm64 is not scanned', () => {
    const found = evaluate(gate, judgedImage([clean]))
    expect(found).toMatchObject({
      result: 'fail',
      reason: 'linux/arm64: no report, only of linux/amd64',
      subjects: [
        { platform: 'linux/amd64', result: 'pass' },
        { platform: 'linux/arm64', result: 'fail', reason: 'no report, only of linux/amd64' },
      ],
    })
  })

  it('a report on the index that names amd64 covers only amd64', () => {
    const bySystem = onIndex(trivy({ config: null }))
    const found = evaluate(gate, judgedImage([bySystem]))
    expect(found.subjects.map(({ result }) => result)).toEqual(['pass', 'fail'])
    expect(evaluate(gate, judgedImage([bySystem, onIndex(ofArm)])).result).toBe('pass')
  })

  it('a report on the index without a platform covers nothing', () => {
    const found = evaluate(gate, judgedImage([onIndex(trivy({ config: null, platform: null }))]))
    expect(found.reason).toBe('linux/amd64, linux/arm64: no report: one names the index without a platform')
  })

  it('a platform that fits two variants covers neither', () => {
    const arms = ['linux/arm/v6', 'linux/arm/v7'].map(platformImage)
    const report = onIndex(trivy({ config: null, platform: 'linux/arm' }))
    const found = evaluate(gate, judgedImage([report], { platforms: arms }))
    expect(found.subjects.map(({ result }) => result)).toEqual(['fail', 'fail'])
    const only = judgedImage([report], { platforms: arms.slice(0, 1) })
    expect(evaluate(gate, only).result).toBe('pass')
  })

  it('a statement about the platform image makes clear what a report of the index is about', () => {
    const pinned = scanned(trivy({ config: null, platform: null }), { to: amd64 })
    expect(judge([pinned]).result).toBe('fail')
    const image = judgedImage([pinned], { platforms: [platformImage('linux/amd64')] })
    expect(evaluate(gate, image).result).toBe('pass')
    const another = scanned(trivy({ config: elsewhere, platform: null }), { to: amd64 })
    expect(evaluate(gate, { ...image, evidence: [another] }).result).toBe('fail')
    const wrong = scanned(trivy({ config: null, platform: 'linux/amd64' }), { to: arm64 })
    expect(evaluate(gate, judgedImage([clean, wrong])).subjects[1]?.result).toBe('fail')
  })

  it('with `appliesTo: image`, a report must be about the index as a whole', () => {
    const whole = scanGate({ signedBy: ['scanner'], appliesTo: 'image' })
    const about = onIndex({ ...trivy({ config: null, platform: null }) })
    expect(evaluate(whole, judgedImage([about])).result).toBe('pass')
    expect(evaluate(whole, judgedImage([onIndex(trivy({ config: null }))])).result).toBe('fail')
  })

  it('a Helm chart fails unless it is excluded', () => {
    const ofChart = onIndex(trivy({ config: null, platform: null }))
    const chart = judgedImage([ofChart], { platforms: [] })
    expect(evaluate(gate, chart)).toMatchObject({
      result: 'fail',
      reason: 'the artifact has no platform images',
      hint: 'If api is no container image, add it to `excludeImages` of the gate scan.',
    })
    expect(evaluate({ ...gate, appliesTo: 'image' }, chart).result).toBe('fail')
    expect(evaluate({ ...gate, excludeImages: ['api'] }, chart).result).toBe('skipped')
  })

  it('the entries of buildx need no report', () => {
    const platforms = [platformImage('linux/amd64'), platformImage('unknown/unknown')]
    expect(evaluate(gate, judgedImage([clean], { platforms })).result).toBe('pass')
  })
})

describe('the subject of a report', () => {
  it.each([
    ['the config digest', trivy({ manifests: [] }), 'pass'],
    ['the manifest digest', trivy({ manifests: [amd64], config: null }), 'pass'],
    ['the config of another image', trivy({ manifests: [], config: elsewhere }), 'fail'],
    ['the manifest of another image', trivy({ manifests: [elsewhere], config: null }), 'fail'],
    ['the other platform', trivy({ manifests: [arm64], config: null, platform: 'linux/arm64' }), 'fail'],
    ['no image, and its statement does', trivy({ manifests: [], config: null }), 'pass'],
  ])('is %s: %s', (_, report, result) => {
    expect(judge([scanned(report)]).result).toBe(result)
  })

  it('a statement about the config of an image is about no manifest', () => {
    const about = [platformImage('linux/amd64').config ?? amd64]
    const found = judge([
      statement(vulnType, { scanner: { result: trivy() } }, { by: ['scanner'], to: amd64, about }),
    ])
    expect(found).toMatchObject({ result: 'fail', reason: expect.stringMatching(/^no report: /) as string })
    expect(found.reason).not.toContain('the index')
  })

  it('a report on another image says so', () => {
    expect(judge([scanned(trivy({ manifests: [elsewhere], config: null }))]).reason).toBe(
      'no report: those that are attached name another image',
    )
  })

  it('SARIF without a digest belongs to the subject of its statement', () => {
    expect(judge([scannedSarif(sarif())]).result).toBe('pass')
    expect(judge([scannedSarif(sarif(), { about: [elsewhere] })]).result).toBe('fail')
  })

  it('a predicate of in-toto belongs to the subject of its statement', () => {
    const predicate = {
      scanner: { uri: 'pkg:github/aquasecurity/trivy@0.65', result: [] },
      metadata: { scanFinishedOn: new Date(now - hour).toISOString() },
    }
    expect(judge([statement(vulnsType, predicate, { by: ['scanner'], to: amd64 })])).toMatchObject({
      result: 'pass',
      reason: 'no vulnerability is high or above (trivy, 1 h ago)',
    })
  })

  it('a finding that a user suppressed in SARIF counts', () => {
    expect(judge([scannedSarif(sarif({ findings: [{ id: 'CVE-2026-1' }] }))]).result).toBe('fail')
  })
})

describe('a report that cannot be read', () => {
  const truncated = statement(vulnType, { scanner: {} }, { by: ['scanner'], to: amd64 })
  const newer = scanned({ ...trivy(), SchemaVersion: 3 })
  const empty = scanned({ ...trivy(), Results: [] })

  it.each([
    ['truncated', truncated, 'has no scanner.result'],
    ['of a newer schema', newer, 'Trivy schema version 3'],
    ['without results', empty, 'no results of packages'],
    [
      'with a duplicate key',
      unreadable('a key stands twice', { by: ['scanner'], to: amd64 }),
      'a key stands twice',
    ],
    [
      'of depth 200',
      unreadable('it is nested deeper than 100 levels', { by: ['scanner'], to: amd64 }),
      'deeper than 100',
    ],
    [
      'of 33 MiB',
      unreadable('it is larger than 32 MiB', { by: [], to: amd64, isDamaged: true, predicateType: vulnType }),
      'larger than 32 MiB',
    ],
    ['whose blob is missing', unreadable('not found', { by: [], to: amd64, isDamaged: true }), 'not found'],
  ])('%s fails the gate, also beside an older good one', (_, broken, why) => {
    for (const evidence of [[broken], [scanned(trivy({ age: 2 * hour })), broken]]) {
      const found = judge(evidence)
      expect(found.result).toBe('fail')
      expect(found.reason).toContain(`report ${shortDigest(broken.artifact)} cannot be read: `)
      expect(found.reason).toContain(why)
    }
  })

  it('is ignored if it is known to be older than a good one', () => {
    const old = (report: object) => scanned(report, { signedAt: now - 2 * hour })
    expect(judge([old({ ...trivy(), SchemaVersion: 3 }), clean]).result).toBe('pass')
    const dated = statement(
      vulnType,
      { scanner: { result: null }, metadata: { scanFinishedOn: new Date(now - 2 * hour).toISOString() } },
      { by: ['scanner'], to: amd64 },
    )
    expect(judge([dated, clean]).result).toBe('pass')
    expect(judge([dated, scanned(trivy({ age: 3 * hour }))]).result).toBe('fail')
  })

  it('is not ignored because another scanner is newer: it may be the newest of the first', () => {
    const broken = scanned({ ...trivy(), SchemaVersion: 3 }, { signedAt: now - 2 * hour })
    const older = scanned(trivy({ age: 3 * hour }))
    const ofOther = scanned(grype({ age: hour }))
    expect(judge([older, broken, ofOther]).result).toBe('fail')
    expect(judge([older, ofOther]).result).toBe('pass')
  })

  it('without a time has to be deleted, and one with a time to be replaced', () => {
    const undated = judge([clean, truncated]).hint
    expect(undated).toBe(
      `Delete registry.example.com/staging/api@${truncated.artifact}, which may be the newest report, and attach a new one.`,
    )
    expect(judge([newer]).hint).toContain(`Delete `)
    const dated = scanned({ ...trivy(), SchemaVersion: 3 }, { signedAt: now })
    expect(judge([dated]).hint).toContain('Run: trivy image')
  })

  it('of another signer is ignored', () => {
    const foreign = unreadable('a key stands twice', { by: [], to: amd64, predicateType: vulnType })
    const found = judge([foreign, clean])
    expect(found.result).toBe('pass')
    expect(found.warnings).toEqual([
      `report ${shortDigest(foreign.artifact)} does not count: a key stands twice; it is not signed by a known signer`,
    ])
  })

  it('of another platform does not matter', () => {
    const ofArm = { ...truncated, attachedTo: arm64 }
    expect(evaluate(gate, judgedImage([clean, ofArm])).subjects.map(({ result }) => result)).toEqual([
      'pass',
      'fail',
    ])
  })
})

describe('report files', () => {
  const files = { allowReportFile: true }

  it('count only with allowReportFile', () => {
    const file = reportFile(trivy())
    expect(judge([file], files)).toMatchObject({
      result: 'pass',
      reason: 'no vulnerability is high or above (trivy, 1 h ago, report file)',
      evidence: [{ digest: file.artifact }],
    })
    const found = judge([file])
    expect(found.result).toBe('fail')
    expect(found.warnings).toEqual([
      `report file ${shortDigest(file.artifact)} does not count: the gate scan has no \`allowReportFile: true\``,
    ])
  })

  it('must name the digest', () => {
    expect(judge([reportFile(trivy({ manifests: [elsewhere], config: null }))], files).result).toBe('fail')
    expect(judge([reportFile(sarif())], files).reason).toBe('no report that names the digest')
  })

  it('with an asserted digest need not name it, and the result says so', () => {
    expect(judge([reportFile(sarif(), amd64)], files)).toMatchObject({
      result: 'pass',
      reason: `no vulnerability is high or above (scanner-x, 1 h ago, report file that the user asserts to be about ${shortDigest(amd64)})`,
    })
    expect(judge([reportFile(sarif(), elsewhere)], files).result).toBe('fail')
  })

  it('that cannot be read have to be replaced', () => {
    const file = reportFile('{}')
    const { reason, hint } = judge([clean, file], files)
    expect(reason).toBe(
      `report file ${shortDigest(file.artifact)} cannot be read: it is no report of a scanner`,
    )
    expect(hint).toBe('Pass a complete report of a scanner with --scan-report.')
  })

  it('that cannot be read fail the gate', () => {
    for (const text of ['{"SchemaVersion": 2, "Results": [', '{}', '[]', 'not JSON']) {
      expect(judge([clean, reportFile(text)], files).reason).toContain('cannot be read')
    }
  })

  it('are combined with signed reports', () => {
    expect(judge([clean, reportFile(grype({ findings: [critical] }))], files).result).toBe('fail')
    expect(judge([bad, reportFile(trivy({ age: 0 }))], files).result).toBe('pass')
    expect(judge([bad, reportFile(trivy({ age: 2 * hour }))], files).result).toBe('fail')
  })
})

it('the newest reports are facts for rules, also findings that do not fail the gate', () => {
  const low = { ...critical, severity: 'LOW' }
  const report = scanned(trivy({ findings: [low] }))
  const { facts } = evaluateScan(gate, singleImage([report]), evaluationContext(), new Map())
  expect(facts?.vulnerabilities).toMatchObject([{ id: low.id, severity: 'low', subject: amd64 }])
  expect(facts?.attestations).toMatchObject([{ predicateType: vulnType, subject: amd64, signer: 'scanner' }])
  expect(evaluateScan(gate, singleImage([bad]), evaluationContext(), new Map()).facts).toBeUndefined()
})
