import { describe, expect, it } from 'vitest'
import { ServeFailures } from '../../../src/cli/registries/serve-failures.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { systemError } from '../../support/failing-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'

function failures() {
  const clock = manualClock()
  const lines: string[] = []
  const log = new ServeFailures('/registry', clock, (text) => lines.push(text))
  const fail = (error: unknown, status = 507) => log.note({ method: 'PUT', status, error })
  return { clock, lines, fail }
}

const full = new DrayError('refused', 'full', { status: 507, cause: systemError('ENOSPC', 'write') })

describe('the failures of a served registry', () => {
  it('are reported once a minute for each cause, with the number of the others', async () => {
    const { clock, lines, fail } = failures()
    for (let i = 0; i < 5; i++) fail(full)
    fail(new DrayError('corrupt', 'a tag has no digest'), 500)
    await clock.advance(59_000)
    fail(full)
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/^the registry in \/registry answered a PUT with 507: .*ENOSPC/)
    expect(lines[1]).toContain('500: a tag has no digest')
    await clock.advance(1000)
    fail(full)
    fail(full)
    expect(lines).toHaveLength(3)
    expect(lines[2]).toContain('5 more requests failed')
  })

  it('do not include refusals and broken connections', () => {
    const { lines, fail } = failures()
    fail(undefined, 500)
    fail(new DrayError('refused', 'no such tag'), 404)
    fail(new DrayError('network', 'the client ended the connection'), 200)
    expect(lines).toEqual([])
  })
})
