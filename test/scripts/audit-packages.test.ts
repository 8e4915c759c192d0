import { describe, expect, it } from 'vitest'
import { auditResult } from '../../scripts/audit-packages.ts'

const refusal = (message: string): string => JSON.stringify({ message, method: 'POST' })

describe('the check of packages for known vulnerabilities', () => {
  it.each([
    ['no vulnerability', 0, '{"auditReportVersion":2}', 'clean'],
    ['a vulnerability', 1, '{"auditReportVersion":2,"vulnerabilities":{"x":{}}}', 'vulnerable'],
    ['a registry without advisories (404)', 1, refusal('404 Not Found - POST x'), 'not-supported'],
    ['a registry without advisories (405)', 1, refusal('405 Method Not Allowed - POST x'), 'not-supported'],
    ['a registry that fails', 1, refusal('503 Service Unavailable - POST x'), 'failed'],
    ['a registry that refuses the credentials', 1, refusal('401 Unauthorized - POST x'), 'failed'],
    ['no output', 1, '', 'failed'],
    ['npm that was killed', null, '', 'failed'],
  ] as const)('%s', (_, status, json, result) => {
    expect(auditResult(status, json)).toBe(result)
  })
})
