/**
 * Packs many images with small layers into a bundle, verifies and applies it, and prints the peak
 * memory of each program: `node scripts/bundle-memory-images.ts [IMAGES]`. Needs `npm run build`.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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

function write(kind: string, text: string): Content {
  const bytes = Buffer.from(text)
  const hex = createHash('sha256').update(bytes).digest('hex')
  writeFileSync(join(folder, 'images', 'blobs', 'sha256', hex), bytes)
  const mediaType = `application/vnd.oci.image.${kind}`
  return { mediaType, digest: `sha256:${hex}`, size: bytes.byteLength }
}

/** A layout with an image for each tag, and a rule that selects all of them. */
function writeImages(): void {
  mkdirSync(join(folder, 'images', 'blobs', 'sha256'), { recursive: true })
  const manifests = Array.from({ length: count }, (_, i) => {
    const layers = ['a', 'b', 'c'].map((name) => write('layer.v1.tar+gzip', `${name} ${i}`.repeat(20)))
    const config = write('config.v1+json', JSON.stringify({ architecture: 'amd64', os: 'linux', i }))
    const mediaType = 'application/vnd.oci.image.manifest.v1+json'
    const root = write('manifest.v1+json', JSON.stringify({ schemaVersion: 2, mediaType, config, layers }))
    return { ...root, annotations: { 'org.opencontainers.image.ref.name': `t${i}` } }
  })
  writeFileSync(join(folder, 'images', 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
  writeFileSync(join(folder, 'images', 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  const rule = { name: 'all', from: 'oci:./images', repositories: ['images'], to: 'unused.example/app' }
  writeFileSync(join(folder, 'dray.yaml'), JSON.stringify({ version: 1, sync: [rule] }))
}

const registry = await startRegistry({})
try {
  writeImages()
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
