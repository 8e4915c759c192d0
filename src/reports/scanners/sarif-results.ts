import { DrayError } from '../../lib/errors.ts'
import type { Fields } from '../../oci/fields.ts'
import { severityNamed, severityOfScore, severityOfScoreText } from '../shared/severity.ts'
import type { Vulnerability } from '../vulnerability.ts'
import { reportName } from './scan-format.ts'

/** The rules of Trivy that are not about vulnerabilities (trivy, pkg/report/sarif.go). */
const otherRules: ReadonlySet<string | undefined> = new Set(['Misconfiguration', 'Secret', 'License'])
/** The lines about the package are the first ones. Each result reads the text of its rule. */
const maxText = 4000
/** The kinds of results without a finding (sarif-v2.1.0, section 3.27.9). */
const kindsWithoutFinding: ReadonlySet<string | undefined> = new Set(['pass', 'notApplicable'])

/**
 * Whether a result is a vulnerability of the image. A suppressed one is: SARIF's `suppressions` are
 * a decision of the user of the scanner, without a signature.
 */
export function isFinding(result: Fields, rule: Fields | undefined, scanner: string): boolean {
  if (kindsWithoutFinding.has(result.optionalText('kind'))) return false
  return scanner !== 'trivy' || !otherRules.has(rule?.optionalText('name'))
}

export function vulnerabilityOf(result: Fields, rule: Fields | undefined, scanner: string): Vulnerability {
  const ruleId =
    result.optionalText('ruleId') ?? result.optionalObject('rule')?.optionalText('id') ?? rule?.text('id')
  if (ruleId === undefined)
    throw new DrayError('malformed', `${reportName} has a SARIF result without a rule`)
  const details = detailsOf(result, rule)
  const name = details.get('Package')
  const version = details.get('Installed Version') ?? details.get('Version')
  const fix = details.get('Fixed Version') ?? details.get('Fix Version')
  const purl = onlyText(rule?.optionalObject('properties')?.value('purls'))
  const id = idOf(ruleId, name)
  return {
    id,
    aliases: id === ruleId ? [] : [ruleId],
    package: {
      name: name ?? 'unknown',
      ...(version !== undefined && version !== '' && { version }),
      ...(purl !== undefined && { purl }),
    },
    severity: severityOf(rule) ?? severityOf(result) ?? 'unknown',
    ...(fix !== undefined && fix !== '' && { fixedVersion: fix }),
    isUnfixed: fix === '',
    scanner,
  }
}

/** Grype lists the purl of the package. */
function onlyText(list: unknown): string | undefined {
  const first: unknown = Array.isArray(list) && list.length === 1 ? list[0] : undefined
  return typeof first === 'string' ? first : undefined
}

/** Grype has a rule for each vulnerability and package: `CVE-2026-1234-openssl`. */
function idOf(ruleId: string, packageName: string | undefined): string {
  const suffix = `-${packageName ?? ''}`
  if (suffix.length > 1 && ruleId.length > suffix.length && ruleId.endsWith(suffix))
    return ruleId.slice(0, -suffix.length)
  return /^(?:CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3})(?=[-_])/.exec(ruleId)?.[0] ?? ruleId
}

/**
 * Returns the lines `Name: value` of a result and its rule. Trivy writes the package into the
 * message of the result, and Grype into the help of the rule.
 */
function detailsOf(result: Fields, rule: Fields | undefined): ReadonlyMap<string, string> {
  const texts = [
    result.optionalObject('message')?.optionalText('text'),
    rule?.optionalObject('help')?.optionalText('text'),
  ]
  const details = new Map<string, string>()
  for (const line of texts.flatMap((text) => text?.slice(0, maxText).split('\n') ?? [])) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0))
    if (colon > 0 && !details.has(name)) details.set(name, line.slice(colon + 1).trim())
  }
  return details
}

/** GitHub's property: a CVSS score as text, or the name of a severity. */
function severityOf(object: Fields | undefined): Vulnerability['severity'] | undefined {
  const value = object?.optionalObject('properties')?.value('security-severity')
  if (value == null) return undefined
  if (typeof value === 'number') return severityOfScore(value)
  if (typeof value !== 'string') return 'unknown'
  const byScore = severityOfScoreText(value)
  return byScore === 'unknown' ? severityNamed(value) : byScore
}
