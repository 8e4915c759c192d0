import { spawn, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { verifyLog } from '../../src/audit/verify/verify-log.ts'
import type { WriterTask } from '../support/audit-writer.ts'
import {
  chainComplaints,
  entriesOf,
  openLog,
  outcome,
  record,
  tagStep,
  waitingClock,
} from '../support/audit-log.ts'
import { tempFolder } from '../support/temp.ts'
import { randomFrom } from '../support/random.ts'

const writer = join(import.meta.dirname, '..', 'support', 'audit-writer.ts')

interface Writing {
  readonly acknowledged: readonly string[]
  /** operations that changed a file */
  readonly operations: readonly string[]
  readonly error: { readonly code?: string } | undefined
  readonly signal: string | null
}

/** A process that writes; `around` is a command that runs it. */
async function write(
  task: Partial<WriterTask> & Pick<WriterTask, 'path' | 'groups'>,
  ...around: readonly string[]
): Promise<Writing> {
  const file = join(await tempFolder(), 'task.json')
  writeFileSync(file, JSON.stringify({ killAt: 0, written: 0, speed: 0, ...task }))
  const [command, ...args] = [...around, process.execPath, writer, file]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<string | null>((resolve) => child.on('close', (_, signal) => resolve(signal)))
  const lines = (await text(child.stdout)).split('\n')
  const after = (prefix: string): string[] =>
    lines.flatMap((line) => (line.startsWith(prefix) ? [line.slice(prefix.length)] : []))
  const [failed] = after('failed ')
  return {
    acknowledged: after('ack '),
    operations: after('ops ').flatMap((names) => names.split(',')),
    error: failed === undefined ? undefined : (JSON.parse(failed) as { code: string }),
    signal: await ended,
  }
}

const torn = '{"seq":3,"prev":"sha256:'
const groups = [[record({ run: 'killed' }), outcome({ run: 'killed' })]]
const earlier = [record(), outcome()]

/** Continues a log after a kill and returns its problems. */
async function complaintsAfter(path: string, acknowledged: readonly string[]): Promise<string[]> {
  const next = record({ run: 'next' })
  await using log = openLog(path)
  await log.write([next])
  const ids = entriesOf(path).map(({ id }) => id)
  const lost = [...acknowledged, next.id].filter((id) => ids.filter((one) => one === id).length !== 1)
  const {
    problem,
    head,
    torn: left,
  } = await verifyLog(path, { clock: waitingClock() }, new AbortController().signal)
  return [
    ...chainComplaints(path),
    ...lost.map((id) => `${id} is not there once`),
    ...(problem === undefined ? [] : [`line ${problem.line}: ${problem.why}`]),
    ...(head === 'agrees' ? [] : [`the head ${head}`]),
    ...(left === 0 ? [] : ['the end is torn']),
    ...(existsSync(`${path}.torn`) ? ['torn bytes are left aside'] : []),
  ]
}

describe.each([
  { state: 'that is not there yet', tornBefore: false },
  { state: 'with a torn end', tornBefore: true },
])(
  'a process that appends to a log $state, killed before any operation that changes a file',
  ({ tornBefore }) => {
    it('leaves a log that continues as one chain, without loss', async () => {
      const folder = await tempFolder()
      const start = join(folder, 'start')
      mkdirSync(start)
      if (tornBefore) {
        await openLog(join(start, 'audit.jsonl')).write(earlier)
        appendFileSync(join(start, 'audit.jsonl'), torn)
      }
      const wrong: string[] = []
      const check = async (path: string, acknowledged: readonly string[], where: string): Promise<void> => {
        const complaints = await complaintsAfter(path, acknowledged)
        const asides = entriesOf(path).filter((one) => one.phase === 'recovered' && atob(one.torn) === torn)
        if (asides.length !== (tornBefore ? 1 : 0))
          complaints.push(`the torn end is there ${asides.length} times`)
        wrong.push(...complaints.map((one) => `${where}: ${one}`))
      }
      const place = (name: string): string => {
        cpSync(start, join(folder, name), { recursive: true })
        return join(folder, name, 'audit.jsonl')
      }
      const copies = join(folder, 'copies')
      const path = place('whole')
      const whole = await write({ path, groups, copies })
      await check(path, whole.acknowledged, 'not killed')
      const all = whole.operations
      expect(all.length).toBeGreaterThan(20)
      expect(all).toContain('write')
      const points = all.flatMap((name, i) =>
        (name === 'write' ? [0, 0.1, 0.5, 0.95] : [0]).map((written) => ({ killAt: i + 1, written })),
      )
      expect(readdirSync(copies)).toHaveLength(points.length)
      // The records are acknowledged after the last write and its sync.
      const synced = all.lastIndexOf('datasync') + 1
      for (const { killAt, written } of points) {
        const isSynced = killAt > synced
        const name = `${killAt}-${written}`
        await check(join(copies, name, 'audit.jsonl'), isSynced ? whole.acknowledged : [], name)
      }
      // A process that is really killed leaves the same, here at some of the operations.
      for (const { killAt, written } of points.filter((_, i) => i % 12 === 6)) {
        const at = place(`killed-${killAt}-${written}`)
        const done = await write({ path: at, groups, killAt, written })
        await check(at, done.acknowledged, `killed at ${killAt}, ${written} written`)
        expect(done.signal).toBe('SIGKILL')
      }
      expect(wrong).toEqual([])
    }, 120_000)
  },
)

describe('eight processes that append at once', () => {
  it('leave one chain with every acknowledged record once if they are killed at random (seed 7)', async () => {
    const path = join(await tempFolder(), 'audit.jsonl')
    const random = randomFrom(7)
    const tasks = Array.from({ length: 8 }, (_, n) => ({
      path,
      groups: Array.from({ length: 8 }, (_unused, g) =>
        [0, 1, 2].map((i) => record({ id: `p${n}g${g}r${i}`, run: `run-${n}`, step: tagStep(`${g}.${i}`) })),
      ),
      killAt: n < 4 ? 20 + Math.floor(random() * 80) : 0,
      written: n % 2 === 0 ? 0.5 : 0,
      speed: 3,
    }))
    const done = await Promise.all(tasks.map((task) => write(task)))
    expect(done.map(({ error }) => error)).toEqual(Array.from({ length: 8 }))
    expect(done.map(({ signal }) => signal)).toEqual([
      ...Array<string>(4).fill('SIGKILL'),
      ...Array<null>(4).fill(null),
    ])
    expect(done.slice(4).map(({ acknowledged }) => acknowledged.length)).toEqual([24, 24, 24, 24])
    expect(
      await complaintsAfter(
        path,
        done.flatMap(({ acknowledged }) => acknowledged),
      ),
    ).toEqual([])
  }, 120_000)
})

const canUnshare = spawnSync('unshare', ['-rm', 'true']).status === 0

describe('a disk', () => {
  const many = Array.from({ length: 80 }, (_, n) => [record({ step: tagStep(`s${n}`) })])

  it('with a limit on the size of files: acknowledges nothing, writes no partial record, and the log continues later', async () => {
    const path = join(await tempFolder(), 'audit.jsonl')
    const done = await write({ path, groups: many }, 'bash', '-c', 'ulimit -f 16; exec "$@"', 'bash')
    expect(done.error).toMatchObject({ code: 'audit', subject: path })
    expect(done.acknowledged.length).toBeGreaterThan(4)
    expect(done.acknowledged.length).toBeLessThan(60)
    expect(chainComplaints(path)).toEqual([])
    expect(entriesOf(path).map(({ id }) => id)).toEqual(done.acknowledged)
    expect(await complaintsAfter(path, done.acknowledged)).toEqual([])
  })

  it.skipIf(!canUnshare)(
    'that is full (needs unshare): acknowledges nothing that is not written',
    async () => {
      const folder = await tempFolder()
      const copy = `mount -t tmpfs -o size=64k none "$0" && "$@"; cp "$0/audit.jsonl" "$0.copy"`
      const disk = join(folder, 'disk')
      mkdirSync(disk)
      const done = await write(
        { path: join(disk, 'audit.jsonl'), groups: [...many, ...many, ...many] },
        'unshare',
        '-rm',
        'bash',
        '-c',
        copy,
        disk,
      )
      expect(done.error).toMatchObject({ code: 'audit' })
      expect(done.acknowledged.length).toBeGreaterThan(4)
      expect(chainComplaints(`${disk}.copy`)).toEqual([])
      expect(entriesOf(`${disk}.copy`).map(({ id }) => id)).toEqual(done.acknowledged)
    },
  )

  it.skipIf(!canUnshare)(
    'that is read-only (needs unshare): acknowledges nothing and changes nothing',
    async () => {
      const disk = await tempFolder()
      await openLog(join(disk, 'audit.jsonl')).write([record()])
      const before = readFileSync(join(disk, 'audit.jsonl'))
      const readOnly = `mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"`
      const done = await write(
        { path: join(disk, 'audit.jsonl'), groups: many },
        'unshare',
        '-rm',
        'bash',
        '-c',
        readOnly,
        disk,
      )
      expect(done).toMatchObject({ acknowledged: [], error: { code: 'audit' } })
      expect(readFileSync(join(disk, 'audit.jsonl'))).toEqual(before)
    },
  )
})
