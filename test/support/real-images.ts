import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Descriptor, sha256, types } from './images.ts'
import { blobFile, readLayout, tagged, writeIndex } from './layouts.ts'
import { tempFolder } from './temp.ts'
import { type Tool, tools } from './tools.ts'

/** The Debian packages docker-registry, skopeo, umoci and busybox-static. */
export const realTools: Tool = tools('docker-registry', 'skopeo', 'umoci', 'busybox')

export const busybox = '/bin/busybox'

/**
 * Runs a program and returns its stdout.
 *
 * @throws with its stderr if it fails
 */
export async function run(program: string, ...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(program, args, { maxBuffer: 64 * 1024 * 1024 })).stdout
}

/**
 * Adds an image to a layout with umoci: busybox in its first layer, a settings file in its second.
 */
export async function addBusybox(layout: string, tag: string, architecture = 'amd64'): Promise<Descriptor> {
  const files = await tempFolder()
  const [system, settings] = [join(files, 'system'), join(files, 'settings')]
  mkdirSync(join(system, 'bin'), { recursive: true })
  mkdirSync(join(settings, 'etc'), { recursive: true })
  copyFileSync(busybox, join(system, 'bin', 'busybox'))
  symlinkSync('busybox', join(system, 'bin', 'sh'))
  writeFileSync(join(settings, 'etc', 'app.conf'), `built for ${architecture}\n`)
  const image = `${layout}:${tag}`
  await run('umoci', 'new', '--image', image)
  await run('umoci', 'insert', '--rootless', '--image', image, system, '/')
  await run('umoci', 'insert', '--rootless', '--image', image, settings, '/')
  await run('umoci', 'config', '--image', image, '--architecture', architecture, '--config.cmd', '/bin/sh')
  return entryOf(layout, tag)
}

export async function newLayout(): Promise<string> {
  const layout = join(await tempFolder(), 'layout')
  await run('umoci', 'init', '--layout', layout)
  return layout
}

/** Adds an index of images that are in the layout, because umoci cannot. */
export function addIndex(
  layout: string,
  tag: string,
  children: Readonly<Record<string, Descriptor>>,
): Descriptor {
  const manifests = Object.entries(children).map(([architecture, { mediaType, digest, size }]) => ({
    mediaType,
    digest,
    size,
    platform: { os: 'linux', architecture },
  }))
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests }))
  const root = { mediaType: types.index, digest: sha256(bytes), size: bytes.byteLength }
  writeFileSync(blobFile(layout, root.digest), bytes)
  writeIndex(layout, [...readLayout(layout).manifests, tagged(root, tag)])
  return root
}

export function entryOf(layout: string, tag: string): Descriptor {
  const found = readLayout(layout).manifests.find(
    (entry) => entry.annotations?.['org.opencontainers.image.ref.name'] === tag,
  )
  if (found === undefined) throw new Error(`${layout} has no ${tag}`)
  return { mediaType: found.mediaType, digest: found.digest, size: found.size }
}

/** Copies an image with all platforms and unchanged bytes, from and to references of skopeo. */
export async function skopeoCopy(from: string, to: string): Promise<void> {
  const plain = ['--src-tls-verify=false', '--dest-tls-verify=false']
  await run('skopeo', 'copy', '-q', '--insecure-policy', '--all', '--preserve-digests', ...plain, from, to)
}

/** The bytes of the manifests and blobs of an image in a layout, by digest. */
export function manifestsAndBlobsIn(layout: string, root: Descriptor): ReadonlyMap<string, Buffer> {
  const contents = new Map<string, Buffer>()
  const add = (d: Descriptor): void => {
    const bytes = readFileSync(blobFile(layout, d.digest))
    contents.set(d.digest, bytes)
    if (d.mediaType !== types.index && d.mediaType !== types.manifest) return
    const { manifests = [], config, layers = [] } = JSON.parse(bytes.toString()) as ManifestBody
    for (const child of [...manifests, ...(config === undefined ? [] : [config]), ...layers]) add(child)
  }
  add(root)
  return contents
}

interface ManifestBody {
  readonly manifests?: readonly Descriptor[]
  readonly config?: Descriptor
  readonly layers?: readonly Descriptor[]
}
