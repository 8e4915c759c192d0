/**
 * Packs many images with small layers into a bundle, verifies and applies it, and prints the peak
 * memory of each program: `node scripts/bundle-memory-images.ts [IMAGES]`. Needs `npm run build`.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './bench/process.ts'
import { startRegistry } from '../src/embedded/server.ts'

const mebibyte = 1024 * 1024
const [count = 10_000] = process.argv.slice(2).map(Number)
const dray = join(import.meta.dirname, '..', 'bin', 'dray.js')
const folder = mkdtempSync(join(tmpdir(), 'dray-bundle-images-'))
const env = { HOME: folder, XDG_STATE_HOME: join(folder, 'state'), XDG_CACHE_HOME: join(folder, 'cache') }

interface Content {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

const perRepository = 100
const uploadsAtOnce = 16
const registry = await startRegistry({})
const base = `http://${registry.registry}/v2`

async function send(method: string, url: string, bytes: Uint8Array, type: string): Promise<void> {
  const answer = await fetch(url, { method, body: bytes, headers: { 'content-type': type } })
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status}`)
  await answer.arrayBuffer()
}

async function push(repository: string, kind: string, text: string): Promise<Content> {
  const bytes = Buffer.from(text)
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  const url = `${base}/${repository}/blobs/uploads/?digest=${digest}`
  await send('POST', url, bytes, 'application/octet-stream')
  return { mediaType: `application/vnd.oci.image.${kind}`, digest, size: bytes.byteLength }
}

async function pushImage(i: number): Promise<void> {
  const repository = `app-${Math.floor(i / perRepository)}`
  const layers: Content[] = []
  for (const name of ['a', 'b', 'c'])
    layers.push(await push(repository, 'layer.v1.tar+gzip', `${name} ${i} `.repeat(20)))
  const config = await push(
    repository,
    'config.v1+json',
    JSON.stringify({ architecture: 'amd64', os: 'linux', i }),
  )
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }))
  await send('PUT', `${base}/${repository}/manifests/t${i}`, manifest, mediaType)
}

/** Images in repositories of 100 tags, and a rule that selects all of them. */
async function pushImages(): Promise<void> {
  const rest = Array.from({ length: count }, (_, i) => i).values()
  await Promise.all(
    Array.from({ length: uploadsAtOnce }, async () => {
      for (const i of rest) await pushImage(i)
    }),
  )
  const repositories = Array.from({ length: Math.ceil(count / perRepository) }, (_, i) => `app-${i}`)
  const rule = { name: 'all', from: registry.registry, repositories, to: 'unused.example/{repository}' }
  writeFileSync(join(folder, 'dray.yaml'), JSON.stringify({ version: 1, sync: [rule] }))
}

try {
  await pushImages()
  for (const args of [
    ['bundle', 'create', 'all.tar', 'all'],
    ['bundle', 'verify', 'all.tar'],
    ['bundle', 'apply', 'all.tar', '--to', `${registry.registry}/hub`, '--yes'],
    ['bundle', 'apply', 'all.tar', '--to', `${registry.registry}/hub`, '--yes'],
  ]) {
    const ended = await run({ command: process.execPath, args: [dray, ...args], cwd: folder, env }, true)
    if (ended.code !== 0) throw new Error(ended.output.slice(-2000))
    const peak = Math.round((ended.maxRss ?? 0) / mebibyte)
    console.log(`${args.slice(0, 3).join(' ')}: ${peak} MiB, ${Math.round(ended.ms / 100) / 10} s`)
  }
} finally {
  await registry.close()
  rmSync(folder, { recursive: true, force: true })
}
