import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { verifyLog } from '../../../src/audit/verify/verify-log.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { expireRuns } from '../audit-log.ts'
import { cuttingProxy } from '../cutting-proxy.ts'
import { injuringProxy, type Injury } from '../faulty-proxy.ts'
import { compileCache, type Ended, warmDray } from '../program.ts'
import { program } from '../program-command.ts'
import { makeFolder, removeFolder } from '../temp.ts'
import { configOf } from '../world.ts'
import { tagComplaints } from './fault-run.ts'
import { type SetUp, startRegistries, tag } from './set-ups.ts'

/**
 * When dray is killed: at a request to the destination, before or after the registry handles it, or
 * after it has sent this number of bytes to the destination.
 */
export type KillPoint =
  | { readonly when: 'before' | 'after'; readonly request: number }
  | { readonly when: 'in the middle'; readonly byte: number }

export interface Crash {
  /** whether it was killed */
  readonly isKilled: boolean
  readonly complaints: readonly string[]
  /** to the destination, by the first run */
  readonly requests: number
  /** to the destination, by the first run */
  readonly bytes: number
}

/**
 * Promotes with the built program, kills it with SIGKILL, promotes again, and checks the result
 * with the oracle. Without a kill point, the first run completes.
 */
export async function crash(setUp: SetUp, killPoint: KillPoint | undefined): Promise<Crash> {
  const registries = await startRegistries(setUp)
  const folder = await makeFolder()
  const auditFile = join(folder, 'audit.jsonl')
  const running: { child?: ChildProcess } = {}
  let isKilled = false
  let requests = 0
  let isFirst = true
  const kill = (): void => {
    isKilled = true
    running.child?.kill('SIGKILL')
  }
  const choose = (): Injury | undefined => {
    if (!isFirst) return undefined
    const number = requests++
    if (killPoint === undefined || killPoint.when === 'in the middle' || number !== killPoint.request)
      return undefined
    if (killPoint.when === 'after') return { kind: 'reset', when: 'after' }
    kill()
    return { kind: 'reset', when: 'before' }
  }
  const cuts = killPoint?.when === 'in the middle' ? [killPoint.byte] : []
  await using proxy = await injuringProxy(registries.to, {
    choose,
    onResponse: (request) => {
      if (killPoint?.when === 'after' && isFirst && request.number === killPoint.request) kill()
    },
  })
  await using line = await cuttingProxy(cuts.length > 0 ? registries.to : proxy.host, cuts, kill)
  try {
    await writeFile(
      join(folder, 'dray.yaml'),
      setUp.syncs
        ? syncConfig(setUp.within ? line.host : registries.from, line.host)
        : configOf(setUp.within ? line.host : registries.from, [line.host]),
    )
    const args = argumentsOf(setUp)
    const env = { HOME: folder, DRAY_AUDIT_FILE: auditFile }
    const first = await runToKill(args, folder, env, running)
    const bytes = line.sent()
    isFirst = false
    const afterFirst = await tagComplaints(setUp, registries)
    expireRuns(auditFile)
    const second = await warmDray(args, { cwd: folder, env })
    const complaints = [
      ...(isKilled || first.code === 0 ? [] : [`the first run ended with ${first.code}: ${first.stderr}`]),
      ...afterFirst.map((one) => `after the first run: ${one}`),
      ...(second.code === 0 ? [] : [`the second run ended with ${second.code}: ${second.stderr}`]),
      ...(await logComplaints(auditFile)),
      ...(await registries.oracle.differences('prod/api', setUp.content, tag)),
      ...[...registries.sent()].flatMap(([digest, times]) =>
        times > 1 && setUp.content.blobs.has(digest) ? [`${digest} was sent ${times} times`] : [],
      ),
    ]
    return { isKilled, complaints, requests, bytes }
  } finally {
    await removeFolder(folder)
    await registries.close()
  }
}

/** Checks that the chain is valid and that every intent has an outcome. */
async function logComplaints(auditFile: string): Promise<readonly string[]> {
  const { signal } = new AbortController()
  const { problem, head, torn, open } = await verifyLog(auditFile, { clock: systemClock }, signal)
  return [
    ...(problem === undefined ? [] : [`the log is invalid at line ${problem.line}: ${problem.why}`]),
    ...(head === 'agrees' ? [] : [`the head of the log is ${head}`]),
    ...(torn === 0 ? [] : [`${torn} bytes at the end of the log are torn`]),
    ...[...open.alive, ...open.lost].map((intent) => `there is no outcome for ${JSON.stringify(intent)}`),
  ]
}

function argumentsOf({ syncs, old }: SetUp): readonly string[] {
  const move = old === undefined ? [] : ['--move-tag']
  return syncs
    ? ['sync', '--yes']
    : ['promote', `api:${tag}`, '--from', 'staging', '--to', 'prod', '--yes', ...move]
}

function syncConfig(from: string, to: string): string {
  const rule = {
    name: 'all',
    from: `${from}/staging`,
    repositories: ['api'],
    to: `${to}/prod/{repository}`,
    include: [{ tags: [tag] }],
  }
  return JSON.stringify({ version: 1, sync: [rule] })
}

async function runToKill(
  args: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>>,
  running: { child?: ChildProcess },
): Promise<Ended> {
  const [command, ...first] = program
  const child = spawn(command, [...first, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: compileCache, ...env },
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
