import { describe, expect, it } from 'vitest'
import { formatUsageMetrics } from '../../../src/cli/usage/usage-metrics.ts'
import { buildUsageReport } from '../../../src/usecases/usage/build-report.ts'
import type { UsageFacts } from '../../../src/usecases/usage/facts.ts'
import { parseExposition, type Sample } from '../../support/exposition.ts'
import { storageOf, usageFacts, usageNow, usageRequest } from '../../support/usage/usage-facts.ts'

function samplesOf(facts: UsageFacts, notPulledFor?: number): readonly Sample[] {
  const report = buildUsageReport(facts, usageRequest({ notPulledFor }))
  return parseExposition(`${formatUsageMetrics(report).join('\n')}\n`)
}

const web = { images: { a: { blobs: { a: 1024 ** 3 }, pulled: 100 } }, inventory: {} }

describe('the metrics of a usage report', () => {
  it('have the parts, the totals and the values of the options', () => {
    const storage = storageOf({ web }, { price: 2 })
    const facts = usageFacts([storage], { policy: { refused: new Map() } })
    const samples = samplesOf(facts, 90 * 86_400_000)
    const repository = 'registry.example.com/web'
    const valueOf = (name: string, labels: object): number | undefined =>
      samples.find((one) => one.name === name && JSON.stringify(one.labels) === JSON.stringify(labels))?.value
    expect(valueOf('dray_usage_bytes', { repository, part: 'unique' })).toBe(1024 ** 3)
    expect(valueOf('dray_usage_bytes', { repository, part: 'untagged' })).toBe(0)
    expect(valueOf('dray_usage_stored_bytes', { repository })).toBe(1024 ** 3)
    expect(valueOf('dray_usage_not_pulled_images', { repository })).toBe(1)
    expect(valueOf('dray_usage_last_pull_timestamp_seconds', { repository })).toBe(
      (usageNow - 100 * 86_400_000) / 1000,
    )
    expect(valueOf('dray_usage_would_free_bytes', { repository })).toBe(0)
    expect(valueOf('dray_usage_cost', { repository })).toBe(2)
    expect(valueOf('dray_usage_total_cost', {})).toBe(2)
    expect(valueOf('dray_usage_last_run_timestamp_seconds', {})).toBe(usageNow / 1000)
  })

  it('have no sample of a value that is unknown', () => {
    const samples = samplesOf(usageFacts([storageOf({ web: { images: { a: { blobs: { a: 1 } } } } })]), 1000)
    const names = new Set(samples.map(({ name }) => name))
    expect(samples.filter(({ labels }) => labels['part'] === 'untagged')).toEqual([])
    for (const name of ['not_pulled_images', 'last_pull_timestamp_seconds', 'would_free_bytes', 'cost'])
      expect(names).not.toContain(`dray_usage_${name}`)
  })

  it('count repositories that cannot be read', () => {
    const error = { code: 'network' as const, message: 'cannot connect' }
    const unreachable = [{ repository: { registry: 'r', path: 'a"\\\n' }, image: 'a', error }]
    const samples = samplesOf(usageFacts([], { unreachable }))
    expect(samples.find(({ name }) => name === 'dray_usage_unreachable')?.value).toBe(1)
  })
})
