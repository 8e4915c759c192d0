/** Measures how the cost of a command grows with the size of its input. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, removeFolder } from '../../test/support/temp.ts'
import { drays } from './contestants.ts'
import { median } from './contest.ts'
import { type GrowthCase, growthCases } from './growth-cases.ts'
import { type GrowthRegistry, openGrowthRegistry } from './growth-registry.ts'
import { run } from './process.ts'
import { aligned, megabytes } from './report.ts'

/** The costs of one command on one size of its input. */
export interface GrowthRow {
  readonly name: string
  readonly size: number
  /** medians */
  readonly cpuSeconds: number
  readonly requests: number
  readonly maxRss: number
  /** milliseconds of CPU, without those of a start; absent if the command sends no requests */
  readonly msPerRequest?: number
  /** from the size before to this one; absent at the first size */
  readonly exponents?: Exponents
}

interface Exponents {
  readonly cpu: number
  /** absent if the command sends no requests */
  readonly requests?: number
}

/**
 * The largest exponent that counts as linear. Each size is four times the one before, and what a
 * start costs is subtracted.
 */
const mostExponent = 1.05
const defaultRuns = 3
/** Less than this is noise: a start differs by as much from run to run. */
const leastCpuSeconds = 0.05

/** Measures all cases. The command must exit with 0. */
export async function measureGrowth(
  runs: number = defaultRuns,
  report: (text: string) => void = () => undefined,
): Promise<readonly GrowthRow[]> {
  const rows: GrowthRow[] = []
  report(
    'growth: the cost of a command by the size of its input, without its start; exponents from size to size',
  )
  for (const one of growthCases) {
    const measured = await measureCase(one, runs)
    rows.push(...measured)
    report(renderGrowth(one, measured))
  }
  return rows
}

/** Whether every exponent is linear. */
export function isLinear(rows: readonly GrowthRow[]): boolean {
  return rows.every(
    ({ exponents }) => Math.max(exponents?.cpu ?? 0, exponents?.requests ?? 0) <= mostExponent,
  )
}

async function measureCase(one: GrowthCase, runs: number): Promise<readonly GrowthRow[]> {
  const start = await measureSize(one, 1, runs)
  const rows: GrowthRow[] = []
  for (const size of one.sizes) {
    const row = withMsPerRequest(await measureSize(one, size, runs), start)
    const before = rows.at(-1)
    rows.push(before === undefined ? row : { ...row, exponents: exponentsOf(before, row, start) })
  }
  return rows
}

function withMsPerRequest(row: GrowthRow, start: GrowthRow): GrowthRow {
  const requests = row.requests - start.requests
  if (requests === 0) return row
  return { ...row, msPerRequest: ((row.cpuSeconds - start.cpuSeconds) * 1000) / requests }
}

function exponentsOf(before: GrowthRow, row: GrowthRow, start: GrowthRow): Exponents {
  const exponent = (of: (row: GrowthRow) => number, least: number): number => {
    const [from, to] = [before, row].map((one) => Math.max(of(one) - of(start), least))
    return Math.log((to ?? least) / (from ?? least)) / Math.log(row.size / before.size)
  }
  return {
    cpu: exponent(({ cpuSeconds }) => cpuSeconds, leastCpuSeconds),
    ...(row.requests > start.requests && { requests: exponent(({ requests }) => requests, 1) }),
  }
}

async function measureSize(one: GrowthCase, size: number, runs: number): Promise<GrowthRow> {
  const samples = []
  for (let number = 0; number < runs; number++) samples.push(await measureOnce(one, size))
  return {
    name: one.name,
    size,
    cpuSeconds: median(samples.map(({ cpuSeconds }) => cpuSeconds)),
    requests: median(samples.map(({ requests }) => requests)),
    maxRss: median(samples.map(({ maxRss }) => maxRss)),
  }
}

/** Every run has a registry, a home and an audit log of its own. */
async function measureOnce(
  one: GrowthCase,
  size: number,
): Promise<Pick<GrowthRow, 'cpuSeconds' | 'requests' | 'maxRss'>> {
  const folder = await makeFolder('dray-growth-')
  try {
    await using registry = await openGrowthRegistry(one.profile ?? 'oci-1.1')
    const [dray] = drays(undefined)
    const home = join(folder, 'home')
    await mkdir(home)
    await writeFile(join(folder, 'dray.yaml'), JSON.stringify(configurationOf(one, size, registry)))
    const auditLog = join(folder, 'audit.jsonl')
    const args = await one.prepare({ registry, size, auditLog })
    if (dray === undefined) throw new Error('there is no dray to measure')
    registry.takeRequests()
    const env = { PATH: process.env['PATH'] ?? '', HOME: home, TMPDIR: folder, DRAY_AUDIT_FILE: auditLog }
    const ended = await run({ ...dray.invocation(...args), cwd: folder, env }, true)
    if (ended.code !== 0) throw new Error(`${one.name} of ${size} exited with ${ended.code}: ${ended.output}`)
    const { cpuMs, maxRss = 0 } = ended
    return { cpuSeconds: cpuMs / 1000, maxRss, requests: registry.takeRequests().length }
  } finally {
    await removeFolder(folder)
  }
}

function configurationOf({ configuration }: GrowthCase, size: number, { host }: GrowthRegistry): object {
  return {
    version: 1,
    environments: {
      dev: { registry: host, path: 'dev/{image}' },
      prod: { registry: host, path: 'prod/{image}', promoteFrom: ['dev'] },
    },
    ...configuration?.(size),
  }
}

function renderGrowth({ name, unit }: GrowthCase, rows: readonly GrowthRow[]): string {
  const lines = rows.map(({ size, cpuSeconds, requests, msPerRequest, maxRss, exponents }) => [
    `${name}, ${size.toLocaleString('en')} ${unit}`,
    cpuSeconds.toFixed(2),
    exponents?.cpu.toFixed(2) ?? '',
    String(requests),
    exponents?.requests?.toFixed(2) ?? '',
    msPerRequest?.toFixed(2) ?? '',
    megabytes(maxRss),
    isLinear(rows.filter((row) => row.size === size)) ? '' : 'NOT LINEAR',
  ])
  return aligned([['', 'CPU s', 'exponent', 'requests', 'exponent', 'ms each', 'memory', ''], ...lines])
}
