import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isDrayError } from '../../src/lib/errors.ts'
import { parseJson } from '../../src/oci/json.ts'
import { isScanReport, parseScanReport } from '../../src/reports/parse-scan-report.ts'
import { parseSbom } from '../../src/reports/parse-sbom.ts'
import { isVexDocument, parseVex } from '../../src/reports/parse-vex.ts'
import type { ScanReport } from '../../src/reports/vulnerability.ts'
import { report } from '../support/reports.ts'

const types: Readonly<Record<string, string>> = {
  'cosign-vuln': 'https://cosign.sigstore.dev/attestation/vuln/v1',
  'in-toto-v0.1': 'https://in-toto.io/attestation/vulns/v0.1',
  'in-toto-v0.2': 'https://in-toto.io/attestation/vulns/v0.2',
}
const folders = ['trivy', 'grype', 'sarif', 'cyclonedx', ...Object.keys(types)]

/** The report with findings, without white space, which would take most of the damage. */
function bytesOf(folder: string): Buffer {
  const document = report(`${folder}/findings.json`) as { readonly predicate?: unknown }
  return Buffer.from(JSON.stringify(document.predicate ?? document))
}

function parse(folder: string, bytes: Uint8Array): ScanReport | undefined {
  try {
    return parseScanReport(parseJson(bytes, 'the report', 100), types[folder])
  } catch (error) {
    if (isDrayError(error)) return undefined
    throw error
  }
}

/** How many findings a damaged report has for the same image; undefined if it is refused. */
function findingsOf(folder: string, bytes: Uint8Array, original: ScanReport): number | undefined {
  const parsed = parse(folder, bytes)
  if (parsed === undefined || JSON.stringify(parsed.subject) !== JSON.stringify(original.subject))
    return undefined
  return parsed.vulnerabilities.length
}

describe.each(folders)('a report of the format %s', (folder) => {
  const bytes = bytesOf(folder)
  const original = parseScanReport(JSON.parse(bytes.toString()), types[folder])
  const all = original.vulnerabilities.length

  it('is refused if it is cut anywhere', () => {
    fc.assert(
      fc.property(fc.nat(bytes.byteLength - 1), (length) => {
        expect(parse(folder, bytes.subarray(0, length))).toBeUndefined()
      }),
    )
  })

  it('never has fewer findings if a byte changes', () => {
    fc.assert(
      fc.property(fc.nat(bytes.byteLength - 1), fc.nat(255), (at, byte) => {
        const damaged = Buffer.from(bytes)
        damaged[at] = byte
        expect(findingsOf(folder, damaged, original) ?? all).toBe(all)
      }),
      { numRuns: 500 },
    )
  })

  it('never has fewer findings if a bit of the name of a field changes', () => {
    const names = [...bytes.toString('latin1').matchAll(/"\w+":/g)].map(({ index, 0: { length } }) => [
      index + 1,
      length - 3,
    ])
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(100), fc.nat(7), ([start = 0, length = 1], n, bit) => {
        const damaged = Buffer.from(bytes)
        const at = start + (n % length)
        damaged[at] = (damaged[at] ?? 0) ^ (1 << bit)
        expect(findingsOf(folder, damaged, original) ?? all).toBe(all)
      }),
      { numRuns: 500 },
    )
  })
})

/** The places of all values in a document, as keys from the root. */
function placesIn(value: unknown): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [
    [key],
    ...placesIn(inner).map((rest) => [key, ...rest]),
  ])
}

function withValueAt(document: unknown, place: readonly string[], value: unknown): unknown {
  const copy: unknown = structuredClone(document)
  let parent = copy as Record<string, unknown>
  for (const key of place.slice(0, -1)) parent = parent[key] as Record<string, unknown>
  parent[place.at(-1) ?? ''] = value
  return copy
}

const parsers: readonly ((value: unknown) => unknown)[] = [
  (value) => parseScanReport(value, undefined),
  ...Object.values(types).map((type) => (value: unknown) => parseScanReport(value, type)),
  parseSbom,
  parseVex,
]

/** What parsers do with a document that is not allowed: other errors, or an error of two lines. */
function complaintsAbout(document: unknown): readonly unknown[] {
  return parsers.flatMap((run) => {
    try {
      isScanReport(document, undefined)
      isVexDocument(document)
      run(document)
      return []
    } catch (error) {
      const isOurs = isDrayError(error) && ['malformed', 'unsupported'].includes(error.code)
      return isOurs && !error.message.includes('\n') ? [] : [error]
    }
  })
}

describe('a document is parsed, or refused as malformed or unsupported', () => {
  it.each([
    ...folders.map((folder) => `${folder}/findings.json`),
    'spdx-2.3/complete.json',
    'spdx-3.0/complete.json',
    'cyclonedx-sbom/complete.json',
    'openvex/statements.json',
    'cyclonedx-vex/statements.json',
  ])('%s with any value at any place', (name) => {
    const whole = report(name) as { readonly predicate?: unknown }
    const document = whole.predicate ?? whole
    fc.assert(
      fc.property(fc.constantFrom(...placesIn(document)), fc.jsonValue(), (place, value) => {
        expect(complaintsAbout(withValueAt(document, place, value))).toEqual([])
      }),
    )
  })

  it('any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(complaintsAbout(value)).toEqual([])
      }),
    )
  })
})
