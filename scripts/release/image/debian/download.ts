import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { digestOf, encodedOf } from '../../../../src/oci/digest.ts'
import { findMirror } from './mirror.ts'
import type { Pin, Pins } from './pins.ts'

/** Has the versions that left the mirrors. */
const debianSnapshots = 'https://snapshot.debian.org/archive'
const maxSeconds = 120

/** Where packages of Debian come from. */
interface PackageSources {
  /** the folder of packages that were downloaded before */
  readonly cache: string
  /** undefined if this machine has none */
  readonly mirror: string | undefined
  readonly snapshots: string
}

export function usualSources(cache: string): PackageSources {
  return { cache, mirror: findMirror(), snapshots: debianSnapshots }
}

/**
 * Returns the bytes of a package from the cache, a mirror or the snapshots, verified by their
 * digest.
 * @throws Error if none of them has these bytes.
 */
export async function downloadPackage(
  pin: Pin,
  { snapshot }: Pins,
  { cache, mirror, snapshots }: PackageSources,
): Promise<Uint8Array> {
  const cached = join(cache, `${pin.sha256}.deb`)
  const existing = readIfExists(cached)
  if (existing !== undefined && isPinned(existing, pin)) return existing
  const addresses = [
    ...(mirror === undefined ? [] : [`${mirror}/${pin.archive}/${pin.path}`]),
    `${snapshots}/${pin.archive}/${snapshot}/${pin.path}`,
  ]
  const failures: string[] = []
  for (const address of addresses) {
    try {
      const bytes = await download(address)
      if (isPinned(bytes, pin)) {
        store(cache, cached, bytes)
        return bytes
      }
      failures.push(`${address}: the bytes are not those of the pin`)
    } catch (error) {
      failures.push(`${address}: ${messageOf(error)}`)
    }
  }
  throw new Error(`cannot download ${pin.name} ${pin.version}\n  ${failures.join('\n  ')}`)
}

/** @throws Error with the status of an answer that is no success. */
export async function download(address: string): Promise<Uint8Array> {
  const answer = await fetch(address, { signal: AbortSignal.timeout(maxSeconds * 1000) })
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`)
  return new Uint8Array(await answer.arrayBuffer())
}

function isPinned(bytes: Uint8Array, pin: Pin): boolean {
  return bytes.byteLength === pin.size && encodedOf(digestOf(bytes)) === pin.sha256
}

/** Another build may read the folder at the same time. */
function store(cache: string, path: string, bytes: Uint8Array): void {
  mkdirSync(cache, { recursive: true })
  writeFileSync(`${path}.${process.pid}`, bytes)
  renameSync(`${path}.${process.pid}`, path)
}

function readIfExists(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
