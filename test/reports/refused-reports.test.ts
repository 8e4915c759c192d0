import { describe, expect, it } from 'vitest'
import { parseJson } from '../../src/oci/json.ts'
import { parseScanReport } from '../../src/reports/parse-scan-report.ts'
import { editedReport, type Edits, refusalOf } from '../support/reports.ts'

type Row = readonly [what: string, edits: Edits, refusal: string]

const trivy: readonly Row[] = [
  ['a newer schema', { '/SchemaVersion': 3 }, 'unsupported: the report has the Trivy schema version 3'],
  ['an older schema', { '/SchemaVersion': 1 }, 'unsupported: the report has the Trivy schema version 1'],
  ['a schema version as text', { '/SchemaVersion': '2' }, 'unsupported: the report has the Trivy schema'],
  ['no schema version', { '/SchemaVersion': undefined }, 'unsupported: the report is in no format'],
  [
    'no results and no operating system',
    { '/Results': undefined, '/Metadata/OS': undefined },
    'malformed: the report has no results of packages',
  ],
  ['no results', { '/Results': undefined }, 'malformed: the report has no results of packages'],
  ['empty results', { '/Results': [] }, 'malformed: the report has no results of packages'],
  ['null as results', { '/Results': null }, 'malformed: the report has no results of packages'],
  [
    'only secrets',
    { '/Results': [{ Target: 'a', Class: 'secret' }] },
    'malformed: the report has no results of packages',
  ],
  ['an object as results', { '/Results': {} }, 'malformed: the report.Results is not a list'],
  [
    'an object as vulnerabilities',
    { '/Results/0/Vulnerabilities': {} },
    'malformed: the report.Results[0].Vulnerabilities is not a list',
  ],
  [
    'null as a vulnerability',
    { '/Results/0/Vulnerabilities/0': null },
    'malformed: the report.Results[0].Vulnerabilities[0] is not an object',
  ],
  [
    'a vulnerability without an id',
    { '/Results/0/Vulnerabilities/0/VulnerabilityID': undefined },
    'malformed: the report.Results[0].Vulnerabilities[0].VulnerabilityID is missing',
  ],
  [
    'a damaged name of the vulnerabilities',
    { '/Results/0/Vulnerabilities': undefined, '/Results/0/Vulnerabilitiez': [] },
    'malformed: the report.Results[0] has the key "Vulnerabilitiez" instead of Vulnerabilities',
  ],
  [
    'a name in another case',
    { '/Results/0/Vulnerabilities': undefined, '/Results/0/vulnerabilities': [] },
    'malformed: the report.Results[0] has the key "vulnerabilities" instead of Vulnerabilities',
  ],
  ['an error', { '/Error': 'no database' }, 'malformed: the report contains an error: "no database"'],
]

const grype: readonly Row[] = [
  ['no matches', { '/matches': undefined }, 'unsupported: the report is in no format'],
  ['null as matches', { '/matches': null }, 'malformed: the report.matches is not a list'],
  ['no source', { '/source': undefined }, 'malformed: the report.source is not an object'],
  ['another tool', { '/descriptor/name': 'grope' }, 'unsupported: the report was not written by grype'],
  [
    'a match without a vulnerability',
    { '/matches/0/vulnerability': undefined },
    'malformed: the report.matches[0].vulnerability is not an object',
  ],
  [
    'a damaged name of the ignored matches',
    { '/ignoredMatchez': [] },
    'malformed: the report has the key "ignoredMatchez" instead of ignoredMatches',
  ],
  [
    'an invalid database',
    { '/descriptor/db/status/valid': false },
    'malformed: the report was made with a vulnerability database that is not valid',
  ],
  [
    'an error of the database',
    { '/descriptor/db/status/error': 'outdated' },
    'malformed: the vulnerability database of the report contains an error: "outdated"',
  ],
  [
    'an error of the database, as of Grype 0.87',
    { '/descriptor/db': { built: '2026-11-24T06:00:00Z', schemaVersion: 5, error: 'outdated' } },
    'malformed: the vulnerability database of the report contains an error: "outdated"',
  ],
]

const invocations = '/runs/0/invocations'
const sarif: readonly Row[] = [
  ['a newer version', { '/version': '2.2.0' }, 'unsupported: the report has the SARIF version "2.2.0"'],
  ['no version', { '/version': undefined }, 'unsupported: the report is in no format'],
  ['no runs', { '/runs': [] }, 'malformed: the report has no SARIF runs'],
  ['no results', { '/runs/0/results': undefined }, 'malformed: the report.runs[0].results is not a list'],
  ['null as results', { '/runs/0/results': null }, 'malformed: the report.runs[0].results is not a list'],
  ['no tool', { '/runs/0/tool': undefined }, 'malformed: the report.runs[0].tool is not an object'],
  [
    'a failed scan',
    { [invocations]: [{ executionSuccessful: false }] },
    'malformed: the report.runs[0] contains an error: the scanner did not end successfully',
  ],
  [
    'a scan that does not say whether it failed',
    { [invocations]: [{}] },
    'malformed: the report.runs[0] contains an error: the scanner did not end successfully',
  ],
  [
    'an error while scanning',
    {
      [invocations]: [
        {
          executionSuccessful: true,
          toolExecutionNotifications: [
            { level: 'warning', message: { text: 'slow' } },
            { level: 'error', message: { text: 'no database' } },
          ],
        },
      ],
    },
    'malformed: the report.runs[0] contains an error: no database',
  ],
  [
    'an error in the configuration of the scanner',
    {
      [invocations]: [{ executionSuccessful: true, toolConfigurationNotifications: [{ level: 'error' }] }],
    },
    'malformed: the report.runs[0] contains an error: without a message',
  ],
  [
    'a damaged name of the invocations',
    { '/runs/0/Invocations': [] },
    'malformed: the report.runs[0] has the key "Invocations" instead of invocations',
  ],
  [
    'results in another file',
    { '/runs/0/externalPropertyFileReferences': { results: [{ location: { uri: 'results.sarif' } }] } },
    'unsupported: the report.runs[0] has its SARIF results in other files',
  ],
  [
    'results outside of its runs',
    { '/inlineExternalProperties': [{ results: [] }] },
    'unsupported: the report has SARIF results outside of its runs',
  ],
  [
    'runs of several scanners',
    { '/runs/1': { tool: { driver: { name: 'other' } }, results: [] } },
    'unsupported: the report has SARIF runs of several scanners or images',
  ],
  [
    'runs about several images',
    { '/runs/1': { tool: { driver: { name: 'trivy' } }, results: [] } },
    'unsupported: the report has SARIF runs of several scanners or images',
  ],
  [
    'a result that names two rules',
    { '/runs/0/results/0/ruleIndex': 1 },
    'malformed: the report has a SARIF result that names two rules',
  ],
  [
    'a result without a rule',
    { '/runs/0/results/0/ruleId': undefined, '/runs/0/results/0/ruleIndex': undefined },
    'malformed: the report has a SARIF result without a rule',
  ],
]

const cyclonedx: readonly Row[] = [
  ['a newer version', { '/specVersion': '2.0' }, 'unsupported: the report has the CycloneDX version "2.0"'],
  [
    'a version before vulnerabilities',
    { '/specVersion': '1.3' },
    'unsupported: the report has the CycloneDX',
  ],
  ['no version', { '/specVersion': undefined }, 'malformed: the report.specVersion is missing'],
  [
    'no vulnerabilities',
    { '/vulnerabilities': undefined },
    'unsupported: the report is a CycloneDX BOM without vulnerabilities: an SBOM',
  ],
  [
    'no components',
    { '/components': undefined },
    'unsupported: the report is a CycloneDX BOM without components: a VEX document',
  ],
  [
    'an empty list of trivy',
    { '/vulnerabilities': [] },
    'unsupported: the report is a CycloneDX BOM of trivy without vulnerabilities',
  ],
  ['null as vulnerabilities', { '/vulnerabilities': null }, 'malformed: the report.vulnerabilities is not'],
  ['no scanner', { '/metadata/tools': undefined }, 'malformed: the report does not name its scanner'],
  [
    'a vulnerability without an id',
    { '/vulnerabilities/0/id': undefined },
    'malformed: the report.vulnerabilities[0].id is missing',
  ],
]

const cosignVuln: readonly Row[] = [
  // `cosign attest --type vuln` writes this for a file that is no such predicate.
  ['null as result', { '/scanner/result': null }, 'malformed: the report has no scanner.result'],
  ['no scanner', { '/scanner': undefined }, 'malformed: the report.scanner is not an object'],
  ['an empty result', { '/scanner/result': {} }, 'unsupported: the report is in no format of a scanner'],
  [
    'a report of a newer schema',
    { '/scanner/result/SchemaVersion': 3 },
    'unsupported: the report has the Trivy schema version 3',
  ],
  [
    'a report without results',
    { '/scanner/result/Results': undefined },
    'malformed: the report has no results of packages',
  ],
]

const inToto: readonly Row[] = [
  ['no result', { '/predicate/scanner/result': undefined }, 'malformed: the report.scanner.result is not'],
  ['an object as result', { '/predicate/scanner/result': {} }, 'malformed: the report.scanner.result is not'],
  ['no scanner', { '/predicate/scanner': undefined }, 'malformed: the report.scanner is not an object'],
  ['no name', { '/predicate/scanner/uri': undefined }, 'malformed: the report.scanner.uri is missing'],
  [
    'an entry without an id',
    { '/predicate/scanner/result/0/id': undefined },
    'malformed: the report.scanner.result[0].id is missing',
  ],
]

describe.each([
  ['trivy', undefined, trivy],
  ['grype', undefined, grype],
  ['sarif', undefined, sarif],
  ['cyclonedx', undefined, cyclonedx],
  ['cosign-vuln', 'https://cosign.sigstore.dev/attestation/vuln/v1', cosignVuln],
  ['in-toto-v0.1', 'https://in-toto.io/attestation/vulns/v0.1', inToto],
  ['in-toto-v0.2', 'https://in-toto.io/attestation/vulns/v0.2', inToto],
] as const)('a report of the format %s', (folder, type, rows) => {
  it.each(rows)('is refused with %s', (_, edits, refusal) => {
    const document = editedReport(`${folder}/findings.json`, edits)
    const content = folder.startsWith('in-toto') ? (document as { predicate: unknown }).predicate : document
    expect(refusalOf(() => parseScanReport(content, type))).toContain(refusal)
  })
})

describe('JSON of a report', () => {
  it.each([
    ['a key twice', '{"SchemaVersion": 2, "Results": [1], "Results": []}', 'has the key "Results" twice'],
    ['an escaped key twice', String.raw`{"matches": [1], "m\u0061tches": []}`, 'has the key "matches" twice'],
    ['200 levels', `${'['.repeat(200)}${']'.repeat(200)}`, 'is nested deeper than 100 levels'],
    ['a byte order mark', '\uFEFF{}', 'is not JSON'],
    ['text behind its end', '{} {}', 'is not JSON'],
  ])('is refused with %s', (_, text, refusal) => {
    expect(refusalOf(() => parseJson(Buffer.from(text), 'the report', 100))).toContain(refusal)
  })

  it('of 100 levels is read', () => {
    expect(refusalOf(() => parseJson(`${'['.repeat(100)}${']'.repeat(100)}`, 'the report', 100))).toBe('fine')
  })
})
