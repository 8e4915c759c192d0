import { describe, expect, it } from 'vitest'
import type { GateResult } from '../../../src/plan/gates/gate-result.ts'
import { renderCheck } from '../../../src/render/gates/check.ts'
import { checkAnnotations, checkSummary } from '../../../src/render/gates/check-ci.ts'
import { gateAnnotations, gateSummary } from '../../../src/render/gates/gate-ci.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { displayWidth } from '../../../src/render/text/width.ts'
import type { CheckedImage } from '../../../src/usecases/check/check.ts'
import { digestOf, gateResult } from '../../support/gates/gate-results.ts'

const scan: GateResult = gateResult({
  name: 'scan',
  kind: 'scan',
  result: 'fail',
  effect: 'refused',
  reason: '1 of 3 platforms has findings',
  subjects: [
    { digest: digestOf('1'), platform: 'linux/amd64', result: 'pass', reason: 'no findings (trivy)' },
    {
      digest: digestOf('2'),
      platform: 'linux/arm64',
      result: 'fail',
      reason: 'CVE-2026-9999 critical, openssl 3.0.1, fixed in 3.0.2',
    },
    { digest: digestOf('3'), platform: 'linux/s390x', result: 'pass', reason: 'no findings (trivy)' },
  ],
  hint: 'Fix the findings, or add an exception.',
})

const checked: CheckedImage = {
  image: 'api:1.4.2',
  tags: ['1.4.2'],
  digest: digestOf('a'),
  from: {
    environment: 'staging',
    repository: { registry: 'r.example.com', path: 'staging/api' },
    tag: '1.4.2',
  },
  to: { environment: 'prod', repository: { registry: 'r.example.com', path: 'prod/api' } },
  result: 'fail',
  gates: [gateResult({ validUntil: '2026-11-25T10:00:00.000Z' }), scan],
  violations: [],
}

const show = (images: readonly CheckedImage[], width?: number): string =>
  renderCheck(images, { style: plainStyle, width })

describe('dray check', () => {
  it('shows each gate with its result, reasons, end and fix, failures first', () => {
    expect(show([checked], 120)).toBe(`refused  api:1.4.2  sha256:aaaaaaaaaaaa
  from  staging (r.example.com/staging/api:1.4.2)
  to    prod (r.example.com/prod/api)
  gate  signed  pass  signed by build
                      valid until 2026-11-25 10:00 UTC
  gate  scan    FAIL  linux/arm64: CVE-2026-9999 critical, openssl 3.0.1, fixed in 3.0.2
                      linux/amd64, linux/s390x: pass, no findings (trivy)
                      fix: Fix the findings, or add an exception.

Checked 1 image: 1 refused.`)
  })

  it('shows the reason of a gate that fails although all platform images pass', () => {
    const reason = 'passed by attached artifacts that would not be at the destination'
    const subjects = scan.subjects.map((one) => ({ ...one, result: 'pass' as const }))
    const text = show([{ ...checked, gates: [{ ...scan, reason, subjects }] }], 120)
    expect(text).toContain(`scan  FAIL  ${reason}\n`)
  })

  it.each([40, 60, 80])(
    'breaks reasons into lines of a terminal with %i columns and cuts nothing',
    (width) => {
      const text = show([{ ...checked, from: checked.to }], width)
      const lines = text.split('\n').filter((line) => !line.trim().startsWith('fix:'))
      expect(lines.filter((line) => displayWidth(line) > width)).toEqual([])
      expect(text).not.toContain('…')
      expect(text.replaceAll(/\s+/g, ' ')).toContain('CVE-2026-9999 critical, openssl 3.0.1, fixed in 3.0.2')
    },
  )

  it('neither breaks nor cuts the command of a fix, so that a person can copy it', () => {
    const command = `cosign sign --key KEY r.example.com/staging/api@${digestOf('a')}`
    for (const hint of [`Run: ${command}`, `To withdraw the rejection, ada can run: ${command}`]) {
      const failed = gateResult({ result: 'fail', effect: 'refused', hint })
      expect(show([{ ...checked, gates: [failed] }], 60)).toContain(`fix: ${hint}\n`)
    }
  })

  it('names the environment of each gate if several have the repository', () => {
    const gates = [gateResult(), gateResult({ environment: 'dr', result: 'fail', effect: 'refused' })]
    const text = show([{ ...checked, gates }], 120)
    expect(text).toContain('signed of prod  pass  signed by build\n')
    expect(text).toContain('signed of dr    FAIL  signed by build')
    expect(gateSummary([{ image: 'api', gates }])).toContain('| api | signed of dr | signature | FAIL |')
    expect(gateAnnotations([{ image: 'api', gates }])[0]).toContain('api: gate signed of dr — FAIL')
  })

  it('puts the text below the name of the gate on a narrow terminal', () => {
    expect(show([checked], 40)).toContain(`
  gate  signed  pass
          signed by build
          valid until 2026-11-25
          10:00 UTC
`)
  })

  it.each<[string, Partial<GateResult>, string]>([
    ['a gate in warn mode', { result: 'fail', effect: 'warned', reason: 'no report' }, 'WARN  no report'],
    [
      'an overridden gate with the reason',
      { result: 'fail', effect: 'overridden', reason: 'no report', override: { reason: 'OPS-1' } },
      'OVERRIDDEN  no report',
    ],
    [
      'evidence that cannot be read',
      { result: 'error', effect: 'refused', reason: 'HTTP 500' },
      'ERROR  HTTP 500',
    ],
    [
      'a gate about other images',
      { result: 'skipped', reason: 'not for this image' },
      'skipped  not for this image',
    ],
  ])('shows %s', (_, change, expected) => {
    expect(show([{ ...checked, gates: [gateResult(change)] }])).toContain(expected)
  })

  it('shows text of a registry without terminal escapes and without commands of a CI service', () => {
    const gates = [
      gateResult({ result: 'fail', effect: 'refused', reason: '\u001b[2Jx\n::set-output name=a::b' }),
    ]
    const text = show([{ ...checked, gates }])
    expect(text).not.toContain('\u001b')
    expect(text).not.toMatch(/^\s*::set-output/m)
    const [annotation = ''] = gateAnnotations([{ image: 'api', gates }])
    expect(annotation.split('\n')).toHaveLength(1)
    expect(annotation).toMatch(/^::error title=dray::/)
  })

  it('shows an image that cannot be read and a forbidden target', () => {
    const error = { code: 'not-found', message: 'cannot find api:9' } as const
    const violations = [{ code: 'refused', message: 'residency forbids r.example.com/prod/api' } as const]
    const text = show([
      { ...checked, result: 'error', gates: [], error },
      { ...checked, gates: [], violations },
    ])
    expect(text).toContain('unknown  api:1.4.2')
    expect(text).toContain('cannot find api:9')
    expect(text).toContain('residency forbids r.example.com/prod/api')
    expect(text).toContain('Checked 2 images: 1 refused, 1 unknown.')
  })
})

describe('gates in CI', () => {
  it('are a table in the summary, in which text has no effect', () => {
    const reason = 'a | b <img> `c`'
    const summary = gateSummary([{ image: 'api', gates: [gateResult({ reason })] }])
    expect(summary).toContain('| Image | Gate | Kind | Result | Reason |')
    expect(summary).toContain('| api | signed | signature | pass | a \\| b &lt;img> \\`c\\` |')
    expect(gateSummary([{ image: 'api' }])).toBe('')
  })

  it('are shown once for several targets with the same results', () => {
    const gates = [gateResult({ result: 'fail', effect: 'refused' })]
    const images = [
      { image: 'api', gates },
      { image: 'api', gates },
    ]
    expect(gateSummary(images).match(/\| api \|/g)).toHaveLength(1)
    expect(gateAnnotations(images)).toHaveLength(1)
  })

  it('annotate a refusal as an error, and a warned or overridden gate as a warning', () => {
    const commands = (['refused', 'warned', 'overridden'] as const).map(
      (effect) =>
        gateAnnotations([{ image: 'api', gates: [gateResult({ result: 'fail', effect })] }])[0]?.split(
          ' ',
        )[0],
    )
    expect(commands).toEqual(['::error', '::warning', '::warning'])
    expect(gateAnnotations([{ image: 'api', gates: [gateResult()] }])).toEqual([])
  })

  it('name images of dray check that cannot be read, forbidden targets, and the sum', () => {
    const error = { code: 'not-found', message: 'cannot find api:9' } as const
    const violation = { code: 'refused', message: '::x', why: 'a | b' } as const
    const images: readonly CheckedImage[] = [
      { ...checked, image: 'api:9', result: 'error', gates: [], error },
      { ...checked, gates: [], violations: [violation] },
    ]
    expect(checkSummary(images)).toBe(`### dray check

- api:9: cannot find api:9
- api:1.4.2: ::x: a \\| b

Checked 2 images: 1 refused, 1 unknown.
`)
    expect(checkAnnotations(images)).toEqual([
      '::error title=dray::cannot find api:9',
      '::error title=dray::\\x3a:x — a | b',
    ])
  })
})
