import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { verifyLog } from '../../../src/audit/verify/verify-log.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { letItBeDead } from '../audit-log.ts'
import { cuttingLine } from '../cutting-line.ts'
import { injuringProxy, type Injury } from '../faulty-proxy.ts'
import { program } from '../program.ts'
import { makeFolder, removeFolder } from '../temp.ts'
import { configOf } from '../world.ts'
import { tagComplaints } from './play.ts'
import { type SetUp, stageOf, tag } from './set-ups.ts'

/** When the program is killed: at a request to the destination, before the registry heard of it or when it had done it and not answered; or when so many bytes had gone there. */
export type Moment =
  | { readonly when: 'before' | 'after'; readonly request: number }
  | { readonly when: 'in the middle'; readonly byte: number }

export interface Crash {
  /** whether it was killed at all */
  readonly struck: boolean
  readonly complaints: readonly string[]
  /** to the destination, by the first run */
  readonly requests: number
  /** to the destination, by the first run */
  readonly bytes: number
}

/** Promotes with the real program, kills it (SIGKILL) at a moment, and promotes again: the oracle judges. Without a moment it is let be. */
export async function crash(setUp: SetUp, moment: Moment | undefined): Promise<Crash> {
  const stage = await stageOf(setUp)
  const folder = await makeFolder()
  const auditFile = join(folder, 'audit.jsonl')
  const running: { child?: ChildProcess } = {}
  let struck = false
  let requests = 0
  let isFirst = true
  const kill = (): void => {
    struck = true
    running.child?.kill('SIGKILL')
  }
  const choose = (): Injury | undefined => {
    if (!isFirst) return undefined
    const number = requests++
    if (moment === undefined || moment.when === 'in the middle' || number !== moment.request) return undefined
    if (moment.when === 'after') return { kind: 'reset', when: 'after' }
    kill()
    return { kind: 'reset', when: 'before' }
  }
  const cuts = moment?.when === 'in the middle' ? [moment.byte] : []
  await using proxy = await injuringProxy(stage.to, {
    choose,
    answered: (request) => {
      if (moment?.when === 'after' && isFirst && request.number === moment.request) kill()
    },
  })
  await using line = await cuttingLine(cuts.length > 0 ? stage.to : proxy.host, cuts, kill)
  try {
    await writeFile(join(folder, 'dray.yaml'), configOf(setUp.within ? line.host : stage.from, [line.host]))
    const more = setUp.old === undefined ? [] : ['--move-tag']
    const first = await promote(folder, running, more)
    const bytes = line.sent()
    isFirst = false
    const left = await tagComplaints(setUp, stage)
    letItBeDead(auditFile)
    const second = await promote(folder, running, more)
    const complaints = [
      ...(struck || first.code === 0 ? [] : [`the first run ended with ${first.code}: ${first.stderr}`]),
      ...left.map((one) => `after the first run: ${one}`),
      ...(second.code === 0 ? [] : [`the run after it ended with ${second.code}: ${second.stderr}`]),
      ...(await recordComplaints(auditFile)),
      ...(await stage.oracle.differences('prod/api', setUp.content, tag)),
      ...[...stage.sent()].flatMap(([digest, times]) =>
        times > 1 && setUp.content.blobs.has(digest) ? [`${digest} was sent ${times} times`] : [],
      ),
    ]
    return { struck, complaints, requests, bytes }
  } finally {
    await removeFolder(folder)
    await stage.close()
  }
}

/** The chain is whole, and no intent is without an outcome. */
async function recordComplaints(auditFile: string): Promise<readonly string[]> {
  const { signal } = new AbortController()
  const { problem, head, torn, open } = await verifyLog(auditFile, { clock: systemClock }, signal)
  return [
    ...(problem === undefined ? [] : [`the record is not whole at line ${problem.line}: ${problem.why}`]),
    ...(head === 'agrees' ? [] : [`the head of the record is ${head}`]),
    ...(torn === 0 ? [] : [`${torn} bytes at the end of the record are torn`]),
    ...[...open.alive, ...open.lost].map((intent) => `no outcome was recorded: ${JSON.stringify(intent)}`),
  ]
}

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function promote(folder: string, running: { child?: ChildProcess }, more: readonly string[]): Promise<Ended> {
  return dray(
    ['promote', `api:${tag}`, '--from', 'staging', '--to', 'prod', '--yes', ...more],
    folder,
    running,
  )
}

async function dray(
  words: readonly string[],
  folder: string,
  running: { child?: ChildProcess },
): Promise<Ended> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, DRAY_AUDIT_FILE: join(folder, 'audit.jsonl') }
  const child = spawn(process.execPath, [program, ...words], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.child = child
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}
