import { DrayError } from '../../lib/errors.ts'
import { Fields } from '../../oci/fields.ts'
import { refuseDamagedNames } from '../shared/field-names.ts'
import { digestsOfReference, withoutRepeats } from '../shared/named-digests.ts'
import { reportTime } from '../shared/report-time.ts'
import type { ReportSubject, ScanReport, Vulnerability } from '../vulnerability.ts'
import { isFinding, vulnerabilityOf } from './sarif-results.ts'
import { ruleFinder } from './sarif-rules.ts'
import { excerpt, reportName, type ScanFormat } from './scan-format.ts'

const supportedVersion = '2.1.0'

/** SARIF 2.1.0, in which each rule is a vulnerability (sarif-v2.1.0, sections 3.13 and 3.14). */
export const sarifFormat: ScanFormat = {
  isFormatOf: (document) => Object.hasOwn(document, 'runs') && Object.hasOwn(document, 'version'),
  parse: parseSarif,
}

function parseSarif(log: Fields): ScanReport {
  const version = log.text('version')
  if (version !== supportedVersion) {
    const found = excerpt(JSON.stringify(version))
    throw new DrayError(
      'unsupported',
      `${reportName} has the SARIF version ${found}, and dray reads ${supportedVersion}`,
    )
  }
  if (log.optionalList('inlineExternalProperties').length > 0)
    throw new DrayError('unsupported', `${reportName} has SARIF results outside of its runs`)
  const runs = log.list('runs', Infinity).map((run, i) => parseRun(run, `${reportName}.runs[${i}]`))
  const [first, ...others] = runs
  if (first === undefined) throw new DrayError('malformed', `${reportName} has no SARIF runs`)
  if (others.some((run) => run.scanner !== first.scanner || !hasSameSubject(run.subject, first.subject)))
    throw new DrayError('unsupported', `${reportName} has SARIF runs of several scanners or images`)
  const times = runs.flatMap(({ completedAt }) => completedAt ?? [])
  return {
    format: 'sarif',
    scanner: first.scanner,
    ...(times.length === runs.length && { completedAt: Math.min(...times) }),
    subject: first.subject,
    vulnerabilities: runs.flatMap(({ vulnerabilities }) => vulnerabilities),
  }
}

function hasSameSubject(one: ReportSubject, other: ReportSubject): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

interface SarifRun {
  readonly scanner: string
  readonly completedAt?: number
  readonly subject: ReportSubject
  readonly vulnerabilities: readonly Vulnerability[]
}

function parseRun(value: unknown, where: string): SarifRun {
  const run = Fields.of(value, where)
  const tool = run.object('tool')
  const scanner = tool.object('driver').text('name').toLowerCase()
  refuseDamagedNames(run.record, ['invocations', 'externalPropertyFileReferences'], where)
  if ((run.optionalObject('externalPropertyFileReferences')?.objects('results').length ?? 0) > 0)
    throw new DrayError('unsupported', `${where} has its SARIF results in other files`)
  const invocations = run.objects('invocations')
  for (const invocation of invocations) refuseFailure(invocation, where)
  const times = invocations.flatMap((one) => reportTime(one.optionalText('endTimeUtc')) ?? [])
  // The list is absent or null if the scan failed (section 3.14.23).
  const results = run.list('results', Infinity)
  const findRule = ruleFinder(tool)
  return {
    scanner,
    ...(times.length > 0 && { completedAt: Math.max(...times) }),
    subject: subjectOf(run.optionalObject('properties')),
    vulnerabilities: results
      .map((result, i) => Fields.of(result, `${where}.results[${i}]`))
      .map((result) => ({ result, rule: findRule(result) }))
      .filter(({ result, rule }) => isFinding(result, rule, scanner))
      .map(({ result, rule }) => vulnerabilityOf(result, rule, scanner)),
  }
}

/** @throws `malformed` for an invocation that did not end well (section 3.20). */
function refuseFailure(invocation: Fields, where: string): void {
  if (invocation.value('executionSuccessful') !== true)
    throw new DrayError('malformed', `${where} contains an error: the scanner did not end successfully`)
  const notifications = [
    ...invocation.objects('toolExecutionNotifications'),
    ...invocation.objects('toolConfigurationNotifications'),
  ]
  const error = notifications.find((notification) => notification.optionalText('level') === 'error')
  if (error === undefined) return
  const text = error.optionalObject('message')?.optionalText('text') ?? 'without a message'
  throw new DrayError('malformed', `${where} contains an error: ${excerpt(text)}`)
}

/** SARIF has no field for an image. These are the properties that Trivy writes. */
function subjectOf(properties: Fields | undefined): ReportSubject {
  const names = [...(properties?.optionalTexts('repoDigests') ?? []), properties?.optionalText('imageName')]
  return {
    manifests: withoutRepeats(names.flatMap(digestsOfReference)),
    configs: digestsOfReference(properties?.optionalText('imageID')),
  }
}
