import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { digestOf, encodedOf } from '../../../../src/oci/digest.ts'
import { basePackages } from './base-packages.ts'
import { download } from './download.ts'
import { findMirror } from './mirror.ts'
import { architectures, type Architecture, type Pin, pinsFile, type Pins } from './pins.ts'

/** The stable release of Debian. */
const release = { number: '13', name: 'trixie' } as const
const suites = [
  { archive: 'debian', suite: release.name },
  { archive: 'debian', suite: `${release.name}-updates` },
  { archive: 'debian-security', suite: `${release.name}-security` },
] as const
/** From the package debian-archive-keyring. */
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

type Stanza = ReadonlyMap<string, string>

/**
 * Writes the newest versions of the packages to the file of pins. Each list of packages is verified
 * by the signature of Debian with gpgv, and unpacked with xz.
 * @throws Error if no mirror is known
 */
export async function updatePins(now: Date): Promise<Pins> {
  const mirror = findMirror()
  if (mirror === undefined)
    throw new Error('apt of this machine has no mirror of Debian: set DEBIAN_MIRROR to the address of one')
  const found: Pin[] = []
  for (const { archive, suite } of suites) {
    const folder = `${mirror}/${archive}/dists/${suite}`
    const signed = await readRelease(folder)
    for (const architecture of architectures) {
      const list = await readPackages(folder, signed, architecture)
      found.push(...pinsIn(list, archive))
    }
  }
  const pins: Pins = {
    release: release.number,
    snapshot: now.toISOString().replaceAll(/[-:]|\.\d+/g, ''),
    packages: newestOfEach(found),
  }
  writeFileSync(pinsFile, `${JSON.stringify(pins, null, 2)}\n`)
  return pins
}

/** The text of a file `InRelease` that Debian signed. @throws Error if the signature is wrong. */
async function readRelease(folder: string): Promise<string> {
  const input = await download(`${folder}/InRelease`)
  return run('gpgv', ['--quiet', '--keyring', keyring, '--output', '-'], input)
}

function run(program: string, args: readonly string[], input: Uint8Array): string {
  return execFileSync(program, args, {
    input,
    stdio: ['pipe', 'pipe', 'ignore'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
}

async function readPackages(folder: string, signed: string, architecture: Architecture): Promise<string> {
  const path = `main/binary-${architecture}/Packages.xz`
  const list = signed.slice(signed.indexOf('\nSHA256:'))
  const expected = new RegExp(`^ ([0-9a-f]{64}) +\\d+ ${path}$`, 'm').exec(list)?.[1]
  if (expected === undefined) throw new Error(`${folder}/InRelease has no ${path}`)
  const bytes = await download(`${folder}/${path}`)
  if (encodedOf(digestOf(bytes)) !== expected)
    throw new Error(`${folder}/${path} has another digest than in InRelease`)
  return run('xz', ['--decompress', '--stdout'], bytes)
}

/** The packages of the image in a file `Packages` of an archive. */
export function pinsIn(list: string, archive: string): readonly Pin[] {
  const names = new Set(basePackages.map(({ name }) => name))
  const stanzas = list.split(/\n\n+/).map(parseStanza)
  return stanzas
    .filter((stanza) => names.has(stanza.get('Package') ?? ''))
    .map((stanza) => pinOf(stanza, archive))
}

function parseStanza(text: string): Stanza {
  const fields = text.matchAll(/^([\w-]+): (.*)$/gm)
  return new Map([...fields].map(([, name = '', value = '']) => [name, value]))
}

function pinOf(stanza: Stanza, archive: string): Pin {
  const field = (name: string): string => {
    const value = stanza.get(name)
    if (value === undefined) throw new Error(`a package of ${archive} has no field ${name}`)
    return value
  }
  // `Source: NAME (VERSION)`, with the version only if it differs, and no field for the same name.
  const [, source = field('Package'), sourceVersion = field('Version')] =
    /^(\S+)(?: \((.+)\))?$/.exec(stanza.get('Source') ?? '') ?? []
  return {
    name: field('Package'),
    version: field('Version'),
    architecture: field('Architecture') as Pin['architecture'],
    source,
    sourceVersion,
    archive,
    path: field('Filename'),
    size: Number(field('Size')),
    sha256: field('SHA256'),
  }
}

function newestOfEach(pins: readonly Pin[]): readonly Pin[] {
  const newest = new Map<string, Pin>()
  for (const pin of pins) {
    const key = `${pin.name} ${pin.architecture}`
    const other = newest.get(key)
    if (other === undefined || isNewer(pin.version, other.version)) newest.set(key, pin)
  }
  const keys = [...newest.keys()].sort()
  return keys.flatMap((key) => newest.get(key) ?? [])
}

/** The order of versions is that of dpkg (deb-version(7)). */
function isNewer(version: string, than: string): boolean {
  try {
    execFileSync('dpkg', ['--compare-versions', version, 'gt', than])
    return true
  } catch {
    return false
  }
}
