import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { runStatusWatch } from '../../../src/cli/watch/run-watch.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { buildStatus } from '../../../src/usecases/views/status/status.ts'
import { newCall } from '../../registry/client/world.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { statusFacts } from '../../support/status-facts.ts'

const routes = [{ from: 'staging', to: 'prod' }]
const created = '2026-11-01T00:00:00.000Z'

/** Images, and what staging and prod have in each pass; the last one stays. */
type Passes = readonly Readonly<Record<string, readonly [staging: string, prod: string]>>[]

interface Options {
  readonly columns?: number
  readonly rows?: boolean
  readonly warnings?: readonly (readonly string[])[]
}

function start(passes: Passes, { columns, rows = false, warnings = [] }: Options = {}) {
  const clock = manualClock()
  const stop = new AbortController()
  const [out, err]: [string[], string[]] = [[], []]
  const terminal = columns === undefined ? {} : { isTTY: true, columns, rows: 40 }
  const output = Object.assign(new EventEmitter(), {
    ...terminal,
    write: (text: string): boolean => out.push(text) > 0,
  })
  let pass = 0
  const ended = runStatusWatch({
    output: output as unknown as NodeJS.WriteStream,
    page: { style: plainStyle, width: columns },
    env: {},
    interval: '30s',
    intervalMs: 30_000,
    clock,
    call: newCall(stop.signal),
    warn: (text) => void err.push(text),
    formatRows: rows ? (all) => all.map((row) => `${JSON.stringify(row)}\n`).join('') : undefined,
    read: async (call) => {
      const images = passes[Math.min(pass, passes.length - 1)] ?? {}
      for (const text of warnings[pass] ?? []) call.notify({ kind: 'warning', text })
      pass++
      return buildStatus(
        ['staging', 'prod'],
        routes,
        Object.entries(images).flatMap(([image, [staging, prod]]) => [
          statusFacts({ image, environment: 'staging', has: staging, created }),
          statusFacts({ image, environment: 'prod', has: prod, created }),
        ]),
      )
    },
  })
  const interrupt = (): void => stop.abort(new DrayError('interrupted', 'interrupted'))
  /** Waits for the pass after the interval, and returns what it wrote. */
  const next = async (): Promise<string> => {
    await clock.sleepers(1)
    out.length = 0
    await clock.advance(30_000)
    await clock.sleepers(1)
    return out.join('')
  }
  return { clock, stop, out, err, output, ended, interrupt, next }
}

const behind = { api: ['latest=b 1.4.2=b', 'latest=a 1.4.1=a'], web: ['latest=x', 'latest=x'] } as const
const inSync = { ...behind, api: ['latest=b 1.4.2=b', 'latest=b 1.4.2=b'] } as const
const silent = { ...behind, web: ['latest=x', '!'] } as const

describe('a watch in a pipe', () => {
  it('writes the whole status first, and then a line with the time for each target that changed', async () => {
    const { clock, out, next, interrupt, ended } = start([behind, behind, inSync])
    await clock.sleepers(1)
    const lines = out.join('').split('\n')
    expect(lines[0]).toMatch(/^TIME \(UTC\) +IMAGE +ENVIRONMENT/)
    expect(lines.slice(1, 5).map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
      ['2026-11-23 00:00:00', 'api', 'staging'],
      ['2026-11-23 00:00:00', 'api', 'prod'],
      ['2026-11-23 00:00:00', 'web', 'staging'],
      ['2026-11-23 00:00:00', 'web', 'prod'],
    ])
    expect(lines[5]).toBe('2 images, 2 environments: 1 in sync, 1 behind')
    // The age of the images is another one after each interval, which is no change.
    expect(await next()).toBe('')
    const changes = await next()
    expect(changes).toMatch(/^2026-11-23 00:01:00 +api +prod +1\.4\.2 .* in sync +latest\n$/)
    interrupt()
    expect(await ended).toBeUndefined()
  })

  it('continues if a registry does not answer, and writes the reason and each warning once', async () => {
    const warnings = [['first'], ['first', 'second'], ['second']]
    const { clock, err, next } = start([silent, silent, silent, behind], { warnings })
    await clock.sleepers(1)
    expect(err).toEqual(['r.test (1 repository): no answer', expect.stringContaining('first')])
    err.length = 0
    expect(await next()).toBe('')
    expect(err).toEqual([expect.stringContaining('second')])
    await next()
    expect(await next()).toMatch(/^\S+ \S+ +web +prod +unknown .* in sync/)
    expect(err).toHaveLength(1)
  })

  it('ends if its reader has gone, and at the time limit with the last status', async () => {
    const gone = start([behind])
    await gone.clock.sleepers(1)
    gone.output.emit('error', new Error('EPIPE'))
    expect((await gone.ended)?.summary.behind).toBe(1)
    const late = start([behind])
    await late.clock.sleepers(1)
    late.stop.abort(new DrayError('timeout', 'the time is up'))
    expect((await late.ended)?.summary.behind).toBe(1)
  })
})

it('a watch with rows writes the row of each image that changed', async () => {
  const { clock, out, next } = start([behind, behind, inSync], { rows: true })
  await clock.sleepers(1)
  const imagesIn = (text: string): readonly string[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { image: string }).image)
  expect(imagesIn(out.join(''))).toEqual(['api', 'web'])
  expect(await next()).toBe('')
  const changed = await next()
  expect(imagesIn(changed)).toEqual(['api'])
  expect(JSON.parse(changed)).toMatchObject({ cells: [{ environment: 'staging' }, { environment: 'prod' }] })
})

it('a watch on a terminal redraws the status, leaves the last one there, and shows the cursor again', async () => {
  const { clock, out, err, output, interrupt, next, ended } = start([behind, inSync], {
    columns: 80,
    warnings: [['careful'], ['careful']],
  })
  expect(out.join('')).toContain('Every 30s, reading. Press Ctrl-C to stop.')
  await clock.sleepers(1)
  expect(out.join('')).toContain('updated 2026-11-23 00:00:00 UTC')
  expect(await next()).toContain('2 images, 2 environments: 2 in sync')
  out.length = 0
  output.emit('resize')
  expect(out.join('')).toContain('careful')
  expect(err).toEqual([])
  out.length = 0
  interrupt()
  await ended
  const [restored, last] = out
  expect(restored).toBe('\u001b[?25h\u001b[?1049l')
  expect(last).toMatch(/^IMAGE[\s\S]*2 in sync\n.*careful\n$/)
  expect(output.listenerCount('resize') + output.listenerCount('error')).toBe(0)
})
