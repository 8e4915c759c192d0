/**
 * Fails if an installed package has a known vulnerability of at least high severity.
 *
 * Some package registries, among them mirrors, have no endpoint for advisories and answer 404, 405
 * or 501. The script then reports that it cannot check. Any other failure to check is a failure.
 */
import { spawnSync } from 'node:child_process'
import { stdout } from 'node:process'

/** Statuses of a package registry without such an endpoint. */
const notSupported = /\b(404 Not Found|405 Method Not Allowed|501 Not Implemented)\b/

export type AuditResult = 'clean' | 'vulnerable' | 'not-supported' | 'failed'

/** The result of `npm audit --json`, from its exit status and standard output. */
export function auditResult(status: number | null, json: string): AuditResult {
  if (status === 0) return 'clean'
  const report = parse(json)
  if ('auditReportVersion' in report) return 'vulnerable'
  const { message } = report
  return typeof message === 'string' && notSupported.test(message) ? 'not-supported' : 'failed'
}

function parse(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

const messages: Readonly<Record<AuditResult, string>> = {
  clean: 'npm audit: no known vulnerability of high severity',
  vulnerable: 'npm audit: a package has a known vulnerability; run npm audit for the list',
  'not-supported': 'npm audit: skipped, the package registry has no advisories',
  failed: 'npm audit: the check failed',
}

if (import.meta.main) {
  const run = spawnSync('npm', ['audit', '--json', '--audit-level=high'], { encoding: 'utf8' })
  const result = auditResult(run.status, run.stdout)
  stdout.write(`${messages[result]}\n`)
  if (result === 'vulnerable' || result === 'failed') {
    stdout.write(`${run.stdout}${run.stderr}\n`)
    process.exitCode = 1
  }
}
