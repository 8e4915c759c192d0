/**
 * `npm run release:image`: writes the container image to `release/image`, an OCI image layout.
 *
 * - `--key FILE` signs the attached artifacts with a private key in PEM.
 * - `--update-pins` writes the newest versions of the packages of Debian to the file of pins.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { loadSigningKey, type SigningKey } from '../../src/signing/signing-keys.ts'
import { bunNotice } from './binaries/bun-notice.ts'
import { readInstalledCompletions } from './completions.ts'
import { sourceDate } from './dates.ts'
import { assembleImage, type PlatformInputs } from './image/assemble.ts'
import { downloadPackage, usualSources } from './image/debian/download.ts'
import { architectures, type Architecture, pinsFor, type Pins, readPins } from './image/debian/pins.ts'
import { unpackPackage } from './image/debian/unpack.ts'
import { updatePins } from './image/debian/update-pins.ts'
import { writeLayout } from './image/write-layout.ts'
import { readNotices } from './notices.ts'
import { readProduct } from './product.ts'

const root = join(import.meta.dirname, '..', '..')
const binaries = { amd64: 'dray-linux-x64', arm64: 'dray-linux-arm64' } as const

const folder = join(root, 'release')
/** The packages of Debian that were downloaded. */
const cache = join(root, 'node_modules', '.cache', 'debian')

interface BuiltImage {
  /** the image layout */
  readonly path: string
  /** the tag of the image in the layout */
  readonly tag: string
  readonly index: Descriptor
}

/**
 * Builds the image from the binaries in `release/bin`. @throws Error if one is missing.
 * @param key signs the attached artifacts
 */
async function buildImage(key: SigningKey | undefined): Promise<BuiltImage> {
  const product = readProduct()
  const pins = readPins()
  const platforms = architectures.map((one) => readPlatform(one, pins))
  const { image, attachments } = assembleImage({
    product,
    commit: readCommit(),
    date: sourceDate(root),
    pins,
    platforms: await Promise.all(platforms),
    texts: await readTexts(),
    bundled: readNotices(),
    runtime: bunNotice,
    ...(key !== undefined && { key }),
  })
  const path = join(folder, 'image')
  await writeLayout(path, image, attachments, product.version)
  return { path, tag: product.version, index: image.index.descriptor }
}

async function readPlatform(architecture: Architecture, pins: Pins): Promise<PlatformInputs> {
  const binary = readBinary(join(folder, 'bin', binaries[architecture]))
  const packages = []
  for (const pin of pinsFor(pins, architecture))
    packages.push(unpackPackage(await downloadPackage(pin, pins, usualSources(cache))))
  return { architecture, packages, binary }
}

function readBinary(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new Error(`cannot read ${path}: run npm run release:binaries first`, { cause })
  }
}

/** The texts of the second layer by their path in the image. */
async function readTexts(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['usr/share/doc/dray/LICENSE', readFileSync(join(root, 'LICENSE'), 'utf8')],
    [
      'usr/share/doc/dray/THIRD_PARTY_NOTICES',
      readFileSync(join(root, 'dist', 'THIRD_PARTY_NOTICES'), 'utf8'),
    ],
    ...(await readInstalledCompletions()),
  ])
}

/** `SOURCE_COMMIT`, the hash of the commit, or undefined if the folder is not a repository. */
function readCommit(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const given = env['SOURCE_COMMIT']
  if (given !== undefined && given !== '') return given
  try {
    const stdout = execFileSync('git', ['rev-parse', 'HEAD'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return stdout.trim()
  } catch {
    return undefined
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { key: { type: 'string' }, 'update-pins': { type: 'boolean' } },
  })
  if (values['update-pins'] === true) {
    const { packages } = await updatePins(new Date())
    for (const { name, version, architecture } of packages)
      process.stdout.write(`${name} ${version} ${architecture}\n`)
  } else {
    const key = values.key === undefined ? undefined : await loadSigningKey(values.key)
    const { path, tag, index } = await buildImage(key)
    process.stdout.write(`${path}:${tag} ${index.digest}\n`)
  }
}
