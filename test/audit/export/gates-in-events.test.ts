import { expect, it } from 'vitest'
import { formatEventLine } from '../../../src/audit/export/export.ts'
import { gateResults } from '../../support/gates/gate-results.ts'
import { recordOf } from '../../support/log-lines.ts'

it.each([
  ['cloudevents', 'data'],
  ['ocsf', 'unmapped'],
] as const)('an event as %s has the results of gates as the record has them', (format, member) => {
  const line = formatEventLine(recordOf({ gates: gateResults }), format) ?? ''
  const event = JSON.parse(line) as Readonly<Record<string, { readonly gates?: unknown }>>
  expect(event[member]?.gates).toEqual(gateResults)
  const without = JSON.parse(formatEventLine(recordOf(), format) ?? '') as typeof event
  expect(without[member]).not.toHaveProperty('gates')
})
