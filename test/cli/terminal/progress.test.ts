import { describe, expect, it } from 'vitest'
import type { ProgressEvent } from '../../../src/lib/call.ts'
import { Progress, type Spinner, type Verbosity } from '../../../src/cli/terminal/progress.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { manualClock } from '../../support/manual-clock.ts'

const mib = 1024 ** 2
const digest = parseDigest(`sha256:${'a'.repeat(64)}`)
const repository = { registry: 'r.example.com', path: 'a' }
const descriptor = { mediaType: 'application/octet-stream', digest, size: 10 * mib }
const begin: ProgressEvent = { kind: 'content', repository, descriptor, state: 'begin' }
const transferred: ProgressEvent = { kind: 'content', repository, descriptor, state: 'transferred' }
const bytes = (count: number): ProgressEvent => ({ kind: 'bytes', repository, digest, bytes: count })
const request: ProgressEvent = {
  kind: 'request',
  method: 'GET',
  url: 'https://r/\u001b[2J',
  status: 200,
  ms: 12,
}

function setUp(verbosity: Verbosity = 'normal', spinner?: Spinner, columns?: number) {
  const clock = manualClock()
  const written: string[] = []
  const output = {
    write: (text: string) => written.push(text) > 0,
    ...(columns !== undefined && { columns }),
  }
  const progress = new Progress({
    output,
    style: plainStyle,
    verbosity,
    clock,
    ...(spinner && { spinner: async () => spinner }),
  })
  return { clock, written, progress }
}

function fakeSpinner() {
  const calls: string[] = []
  return {
    calls,
    text: '',
    start: () => calls.push('start'),
    stop: () => calls.push('stop'),
    clear: () => calls.push('clear'),
  }
}

describe('progress without a terminal', () => {
  it('is at most one line every five seconds', async () => {
    const { clock, written, progress } = setUp()
    progress.notify(begin)
    for (let second = 0; second < 12; second++) {
      await clock.advance(1000)
      progress.notify(bytes(mib / 2))
    }
    expect(written).toHaveLength(2)
    expect(written[0]).toBe('0 of 1 blob or manifest, 2.5 MiB of 10.0 MiB, 512 KiB/s, 15 s left\n')
  })

  it('counts the tags that were read, then the finished deletes, in all repositories', async () => {
    const { clock, written, progress } = setUp()
    const other = { ...repository, path: 'b' }
    const send = async (...events: readonly ProgressEvent[]) => {
      for (const event of events.slice(0, -1)) progress.notify(event)
      await clock.advance(5000)
      for (const event of events.slice(-1)) progress.notify(event)
    }
    await send({ kind: 'surveyed', repository, done: 50, of: 200 })
    await send(
      { kind: 'surveyed', repository, done: 200, of: 200 },
      { kind: 'surveyed', repository: other, done: 1, of: 9 },
    )
    await send({ kind: 'deleted', repository, done: 16, of: 40 })
    expect(written).toEqual([
      '50 of 200 tags read\n',
      '201 of 209 tags read in 2 repositories\n',
      '16 of 40 deletes done\n',
    ])
  })

  it('shows other work at the same pace', async () => {
    const { clock, written, progress } = setUp()
    for (let second = 0; second < 12; second++) {
      await clock.advance(1000)
      progress.report(`${second} of 12`)
    }
    expect(written).toEqual(['4 of 12\n', '9 of 12\n'])
    const quiet = setUp('quiet')
    await quiet.clock.advance(10_000)
    quiet.progress.report('x')
    expect(quiet.written).toEqual([])
  })

  it('counts finished content', async () => {
    const { clock, written, progress } = setUp()
    progress.notify(begin)
    progress.notify(bytes(10 * mib))
    await clock.advance(5000)
    progress.notify(transferred)
    expect(written).toEqual(['1 of 1 blob or manifest, 10.0 MiB\n'])
  })

  it('reports a long wait for a registry', () => {
    const { written, progress } = setUp()
    progress.notify({ kind: 'wait', registry: 'r.example.com', ms: 4000 })
    progress.notify({ kind: 'wait', registry: 'r.example.com', ms: 90_000 })
    expect(written).toEqual(['r.example.com limits requests. dray continues in 1 min 30 s.\n'])
  })

  it('reports that dray waits for another run', () => {
    const { written, progress } = setUp()
    progress.notify({ kind: 'waitForRun', tag: 'r.example.com/prod/api:1' })
    expect(written).toEqual([
      'Another run on this machine is writing r.example.com/prod/api:1. dray waits at most 2 minutes.\n',
    ])
  })

  it('is omitted with --quiet', async () => {
    const { clock, written, progress } = setUp('quiet')
    progress.notify(begin)
    await clock.advance(10_000)
    progress.notify(bytes(mib))
    progress.notify(request)
    progress.notify({ kind: 'wait', registry: 'r.example.com', ms: 90_000 })
    expect(written).toEqual([])
  })

  it('shows each request with --verbose, escaped', () => {
    const { written, progress } = setUp('verbose')
    progress.notify(request)
    progress.notify({
      kind: 'retry',
      method: 'PUT',
      url: 'https://r/x',
      attempt: 2,
      waitMs: 1500,
      why: 'HTTP 503',
    })
    expect(written).toEqual([
      'GET https://r/\\x1b[2J 200 12 ms\n',
      'PUT https://r/x attempt 2 in 2 s: HTTP 503\n',
    ])
  })
})

describe('a rate limit', () => {
  const left = (remaining: number): ProgressEvent => ({
    kind: 'quota',
    registry: 'docker.io',
    limit: 100,
    remaining,
    windowS: 21_600,
  })

  it('is shown with --verbose at the start, when little is left, and at the end', () => {
    const { written, progress } = setUp('verbose')
    for (const remaining of [76, 75, 20, 10, 9]) progress.notify(left(remaining))
    progress.end()
    expect(written).toEqual([
      'docker.io: 76 of 100 pulls left (per 6 h)\n',
      'docker.io: 10 of 100 pulls left (per 6 h)\n',
      'docker.io: 9 of 100 pulls left (per 6 h)\n',
    ])
  })

  it('is not shown without --verbose', () => {
    const { written, progress } = setUp()
    progress.notify(left(1))
    progress.end()
    expect(written).toEqual([])
  })
})

describe('progress on a terminal', () => {
  it('is a spinner from the first content on, and removed at the end', async () => {
    const spinner = fakeSpinner()
    const { clock, written, progress } = setUp('normal', spinner)
    progress.notify(request)
    await clock.advance(0)
    expect(spinner.calls).toEqual([])
    progress.notify(begin)
    await clock.advance(1000)
    progress.notify(bytes(mib))
    expect(spinner.text).toContain('1.0 MiB of 10.0 MiB')
    progress.print('a line')
    progress.end()
    progress.notify(bytes(mib))
    expect(spinner.calls).toEqual(['start', 'clear', 'stop'])
    expect(written).toEqual(['a line\n'])
  })

  it('is never wider than the terminal', async () => {
    const spinner = fakeSpinner()
    const { clock, progress } = setUp('normal', spinner, 40)
    progress.notify(begin)
    await clock.advance(1000)
    progress.notify(bytes(mib))
    await clock.advance(1000)
    progress.notify(bytes(mib))
    expect(spinner.text).toBe('0 of 1 blob or manifest, 2.0 MiB of …')
    expect(spinner.text.length + 3).toBeLessThanOrEqual(40)
  })
})
