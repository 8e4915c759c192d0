/**
 * Plans a sync of many repositories in shards and prints the requests, the time and the peak memory
 * of each: `node scripts/sync-shards.ts REPOSITORIES SHARDS`. Both sides are in an embedded
 * registry in this process and in sync. Each shard is a process of its own.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { planSync } from '../src/cli/sync/plan-sync.ts'
import { Context } from '../src/cli/wiring/context.ts'
import { startRegistry } from '../src/embedded/server.ts'

const run = promisify(execFile)
const indexType = 'application/vnd.oci.image.index.v1+json'
const puts = 16

async function planShard(shard: string, folder: string): Promise<void> {
  const context = new Context({
    configFile: join(folder, 'dray.yaml'),
    env: { HOME: folder, XDG_STATE_HOME: join(folder, 'state') },
    cwd: folder,
    version: '0',
  })
  const call = { signal: new AbortController().signal, notify: () => undefined }
  const begin = Date.now()
  const { plan } = await planSync(
    {
      rules: [],
      shard,
      evidence: true,
      attest: undefined,
      'allow-missing-evidence': false,
      'evidence-conflict': 'refuse',
      'overwrite-changed': false,
      full: false,
      verify: false,
      delete: false,
      'dry-run': true,
    },
    context,
    call,
  )
  await context.close()
  const repositories = plan.drift.map(({ from }) => from.path)
  const result = {
    repositories,
    refusals: plan.refusals.length,
    steps: plan.steps.length,
    ms: Date.now() - begin,
    megabytes: Math.round(process.resourceUsage().maxRSS / 1024),
  }
  await writeFile(join(folder, 'result.json'), JSON.stringify(result))
}

async function simulate(repositories: number, shards: number): Promise<void> {
  let requests = 0
  const registry = await startRegistry({ onRequest: () => requests++ })
  const folder = await mkdtemp(join(tmpdir(), 'dray-shards-'))
  const rule = {
    name: 'all',
    from: `${registry.registry}/source`,
    repositories: ['**'],
    to: `${registry.registry}/mirror/{repository}`,
  }
  await writeFile(join(folder, 'dray.yaml'), JSON.stringify({ version: 1, sync: [rule] }))
  const paths = Array.from({ length: repositories }, (_, i) => `team-${i % 100}/app-${i}`)
  const all = paths.flatMap((path) => [`source/${path}`, `mirror/${path}`])
  const queue = all.values()
  await Promise.all(
    Array.from({ length: puts }, async () => {
      for (const path of queue) await putIndex(registry.registry, path)
    }),
  )
  const seen = new Map<string, number>()
  for (let i = 1; i <= shards; i++) {
    requests = 0
    await run(process.execPath, [import.meta.filename, 'shard', `${i}/${shards}`, folder])
    const result = JSON.parse(await readFile(join(folder, 'result.json'), 'utf8')) as ShardResult
    for (const path of result.repositories) seen.set(path, (seen.get(path) ?? 0) + 1)
    console.log(
      `${i}/${shards}: ${result.repositories.length} repositories, ${requests} requests, ${result.ms} ms, ${result.megabytes} MB, ${result.steps} steps, ${result.refusals} refusals`,
    )
    await rm(join(folder, 'result.json'))
  }
  const once = paths.filter((path) => seen.get(`source/${path}`) === 1).length
  console.log(`${once} of ${repositories} repositories are in exactly one shard`)
  await registry.close()
  await rm(folder, { recursive: true })
}

interface ShardResult {
  readonly repositories: readonly string[]
  readonly refusals: number
  readonly steps: number
  readonly ms: number
  readonly megabytes: number
}

/** An index without children needs no blobs. */
async function putIndex(host: string, path: string): Promise<void> {
  const body = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [] })
  const headers = { 'content-type': indexType }
  const answer = await fetch(`http://${host}/v2/${path}/manifests/1.0.0`, { method: 'PUT', headers, body })
  if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
}

const [first = '10000', second = '4', third = ''] = process.argv.slice(2)
if (first === 'shard') await planShard(second, third)
else await simulate(Number(first), Number(second))
