import { parseJson } from '../../../src/oci/json.ts'
import { isScanReport, parseScanReport } from '../../../src/reports/parse-scan-report.ts'
import { parseSbom } from '../../../src/reports/parse-sbom.ts'
import { isVexDocument, parseVex } from '../../../src/reports/parse-vex.ts'
import { parsePackageUrl } from '../../../src/reports/package-url.ts'
import { reportText } from '../reports.ts'
import type { Parser } from './parsers.ts'

const cosignVuln = 'https://cosign.sigstore.dev/attestation/vuln/v1'
const inTotoVulns = 'https://in-toto.io/attestation/vulns/v0.2'

const scan = (folder: string, predicateType?: string): Parser => ({
  name: `parseScanReport of ${folder}`,
  sample: reportText(`${folder}/findings.json`),
  parse: (bytes) => {
    const value = parseJson(bytes, 'the report', 100)
    return [isScanReport(value, predicateType), parseScanReport(value, predicateType)]
  },
})

const sbom = (folder: string): Parser => ({
  name: `parseSbom of ${folder}`,
  sample: reportText(`${folder}/complete.json`),
  parse: (bytes) => parseSbom(parseJson(bytes, 'the SBOM', 100)),
})

const vex = (folder: string): Parser => ({
  name: `parseVex of ${folder}`,
  sample: reportText(`${folder}/statements.json`),
  parse: (bytes) => {
    const value = parseJson(bytes, 'the VEX document', 100)
    return [isVexDocument(value), parseVex(value)]
  },
})

/** Parsers of scan reports, SBOMs and VEX documents. */
export const reportParsers: readonly Parser[] = [
  scan('trivy'),
  scan('grype'),
  scan('sarif'),
  scan('cyclonedx'),
  scan('cosign-vuln', cosignVuln),
  {
    ...scan('in-toto-v0.2', inTotoVulns),
    sample: JSON.stringify(
      (JSON.parse(reportText('in-toto-v0.2/findings.json')) as { predicate: unknown }).predicate,
    ),
  },
  sbom('spdx-2.3'),
  sbom('spdx-3.0'),
  sbom('cyclonedx-sbom'),
  vex('openvex'),
  vex('cyclonedx-vex'),
  {
    name: 'parsePackageUrl',
    sample: 'pkg:npm/%40angular/animation@12.3.1?a=b#c/d',
    parse: (bytes) => parsePackageUrl(Buffer.from(bytes).toString()),
  },
]
