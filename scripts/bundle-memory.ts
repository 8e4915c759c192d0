/**
 * Packs large blobs into a bundle, verifies it, and prints the peak memory of both: `node
 * scripts/bundle-memory.ts [BLOBS] [MIB]`. Needs `npm run build`.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './bench/process.ts'

const mebibyte = 1024 * 1024
const [blobs = 20, mebibytes = 100] = process.argv.slice(2).map(Number)
const dray = join(import.meta.dirname, '..', 'bin', 'dray.js')
const folder = mkdtempSync(join(tmpdir(), 'dray-bundle-memory-'))

interface Content {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

function write(kind: string, bytes: Uint8Array): Content {
  const hex = createHash('sha256').update(bytes).digest('hex')
  writeFileSync(join(folder, 'image', 'blobs', 'sha256', hex), bytes)
  const mediaType = `application/vnd.oci.image.${kind}`
  return { mediaType, digest: `sha256:${hex}`, size: bytes.byteLength }
}

function writeImage(): void {
  mkdirSync(join(folder, 'image', 'blobs', 'sha256'), { recursive: true })
  const layers = Array.from({ length: blobs }, () => {
    const bytes = Buffer.alloc(mebibytes * mebibyte, randomBytes(mebibyte))
    return write('layer.v1.tar+gzip', bytes)
  })
  const config = write('config.v1+json', Buffer.from('{"architecture":"amd64","os":"linux"}'))
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config,
    layers,
  }
  const root = write('manifest.v1+json', Buffer.from(JSON.stringify(manifest)))
  const entry = { ...root, annotations: { 'org.opencontainers.image.ref.name': '1' } }
  writeFileSync(join(folder, 'image', 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }))
  writeFileSync(join(folder, 'image', 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
}

try {
  writeImage()
  for (const args of [
    ['bundle', 'create', 'image.tar', 'oci:image:1'],
    ['bundle', 'verify', 'image.tar'],
    ['bundle', 'create', 'next.tar', 'oci:image:1', '--since', 'image.tar'],
  ]) {
    const ended = await run({ command: process.execPath, args: [dray, ...args], cwd: folder }, true)
    if (ended.code !== 0) throw new Error(ended.output)
    const peak = Math.round((ended.maxRss ?? 0) / mebibyte)
    console.log(`${args.join(' ')}: ${peak} MiB, ${Math.round(ended.ms / 100) / 10} s`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
